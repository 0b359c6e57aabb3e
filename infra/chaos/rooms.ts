import type { StatsAnswer } from '#shared/contract/stats.ts';
import { every, type Stop } from '#shared/every.ts';
import type { World } from '../crowd/world.ts';
import { bearer } from '../journeys/http.ts';
import { type Span, spansOf } from './flow.ts';

const LOOK_MS = 250;
const ANSWER_MS_MAX = 500;
/** Figures older than this say nothing of the moment. */
const AGE_MS_MAX = 500;

/**
 * Looks all the time whether the shop is full, as any gateway says that answers: said beside a pause without turns, of which a
 * full shop may be the reason.
 */
export function watchRooms({ services, houses }: Pick<World, 'services' | 'houses'>): {
  /** When it was, in epoch milliseconds. */
  full: () => Span[];
  stop: Stop;
} {
  const looks: { at: number; isFull: boolean }[] = [];
  const ask = async (gateway: string): Promise<StatsAnswer> => {
    const answer = await fetch(`${gateway}/api/organiser/sales/${houses[0]?.sale}/stats`, {
      headers: bearer(services.organiserKey),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const stats = (await answer.json()) as StatsAnswer;
    if (!answer.ok || stats.ageMs > AGE_MS_MAX) throw new Error('no figures of this moment');
    return stats;
  };
  const stopLooking = every(
    LOOK_MS,
    async () => {
      const { asOf, admitted, ready, capacity } = await Promise.any(services.gatewayUrls.map(ask));
      looks.push({ at: Date.parse(asOf), isFull: admitted + ready >= capacity });
    },
    // A gateway that is away is what a campaign is about.
    () => undefined,
  );
  return { full: () => spansOf(looks), stop: stopLooking };
}
