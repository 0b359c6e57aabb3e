import type { Roster } from './roster.d.mts';

export type NginxBinary = { command: string; env: Record<string, string>; version: string };

export declare const NGINX_IS_MISSING: string;
export declare function nginxBinary(options: { roster: Roster; folder: string }): Promise<NginxBinary | null>;
