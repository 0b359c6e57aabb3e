import type { Asked } from './recorder.ts';

/** A time in which something was away, in epoch milliseconds. */
export type Disturbance = { of: 'services' | 'stores'; kind: string; from: number; to: number };

/** Behind a fault: connections come back, and what the shop keeps in memory is read again. */
export const AFTERMATH_MS = 2_000;

/** Whether something was away while it was asked, or shortly before. */
export function isDisturbed(
  { sentAt, tookMs }: Pick<Asked, 'sentAt' | 'tookMs'>,
  disturbances: readonly Disturbance[],
): boolean {
  return disturbances.some(({ from, to }) => from <= sentAt + tookMs && to + AFTERMATH_MS >= sentAt);
}
