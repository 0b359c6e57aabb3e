export const BLOCKED_PORTS: ReadonlySet<number>;
export function readSettings(
  env: Record<string, string | undefined>,
  options?: { scaled?: boolean },
): Promise<{ redisCluster: boolean; gatewayPorts: number[] }>;
