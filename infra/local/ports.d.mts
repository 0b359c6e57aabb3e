export const LOOPBACK: string;
export function freePort(host?: string): Promise<number>;
