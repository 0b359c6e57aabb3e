import type { RunningProcess } from './processes.mjs';
import type { Roster } from './roster.mjs';

export type NginxValues = Record<
  'PUBLIC_LISTEN' | 'BOOKING_LISTEN' | 'GATEWAY_LISTEN' | 'GATEWAYS' | 'BOOKINGS',
  string
>;

export function prepareNginx(options: {
  roster: Roster;
  root: string;
  dataDir: string;
  binaries: string;
  values: NginxValues;
  port: number;
}): Promise<{ title: string; start: () => Promise<RunningProcess> }>;

export function serverLines(addresses: string[]): string;
