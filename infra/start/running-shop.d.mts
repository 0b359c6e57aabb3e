export type RunningShop = {
  dataDir: string;
  /** Whether `npm start` runs on that folder. */
  running: boolean;
  gatewayUrl: string | null;
  /** All that fans may ask; behind nginx that is its address alone. */
  gatewayUrls: string[];
  /** How many gateways share each of these addresses; null when it is not known. */
  gatewaysBehind: number | null;
  databaseUrl: string | null;
  redisUrl: string | null;
  organiserKey: string | null;
  processes: { name: string; pid: number }[];
};

export function findRunningShop(options: {
  root: string;
  env?: Record<string, string | undefined>;
}): RunningShop;
