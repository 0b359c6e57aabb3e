type Started = { stopSteps: { signal: string; timeoutMs: number }[] };

export declare function services(options: {
  roster: { start: (options: Started) => Promise<unknown> };
  root: string;
  env: Record<string, string>;
  settings: {
    gatewayUrls: string[];
    gatewayPorts: number[];
    bookingPorts: number[];
    workers: number;
    host: string;
  };
  scripts: Record<string, string>;
}): { what: string; start: () => Promise<unknown> }[];
