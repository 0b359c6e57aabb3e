import { newId } from '#shared/ids.ts';

/** One act of an organiser. The id of its audit entry is made before the call, so that a call made again does it once. */
export type Act = { audit: string; by: string; reason: string | null };

export const newAct = (by: string, reason: string | null): Act => ({ audit: newId(), by, reason });
