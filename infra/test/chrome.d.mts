import type { Roster } from '../local/roster.mjs';

/** The path of a Chromium, empty when there is none. */
export function findChrome(roster: Roster): Promise<string>;
