import { leadOf } from './clocks.ts';
import type { History } from './read.ts';
import type { AnswerRecord } from './record.ts';
import { mayEndAdmission } from './seats.ts';

const ENDED = ['finished', 'left', 'lapsed', 'missed', 'expired', 'closed'];

/** What each fan was told of their place, and what all of them together say about the order of turns. */
export function judgeQueue({
  fans,
  sale,
}: History): Record<'overtaken' | 'position-rises' | 'place-lost', string[]> {
  const rises: string[] = [];
  const lost: string[] = [];
  /** By queue number: until when its fan certainly waited, and when their turn came; both by the shop's clock. */
  const places = new Map<number, { fan: string; waitedUntil: number; turnAt: number }>();

  for (const answers of fans.values()) {
    let number: number | null = null;
    let position: number | null = null;
    let missed = false;
    for (const answer of answers) {
      const { fan, state } = answer;
      if (state === undefined || answer.queueNumber === undefined) continue;
      if (answer.queueNumber !== number) {
        if (number !== null) lost.push(`${fan} had number ${number} and was then told ${answer.queueNumber}`);
        number = answer.queueNumber;
        position = null;
      }
      if (answer.position != null) {
        if (position !== null && answer.position > position)
          rises.push(`${fan} (number ${number}) was told position ${position} and then ${answer.position}`);
        position = answer.position;
      }
      if (number !== null) {
        const place = places.get(number) ?? {
          fan,
          waitedUntil: Number.NEGATIVE_INFINITY,
          turnAt: Number.POSITIVE_INFINITY,
        };
        places.set(number, place);
        note(place, answer, sale.claimMs, missed);
      }
      missed ||= state === 'missed' || answer.returning === true;
      // Whoever's entry has ended may join again, at the end.
      if (ENDED.includes(state)) number = null;
    }
  }
  return { overtaken: overtaken(places), 'position-rises': rises, 'place-lost': lost };
}

type Place = { fan: string; waitedUntil: number; turnAt: number };

function note(place: Place, answer: AnswerRecord, claimMs: number, missed: boolean): void {
  const { step, state, position, asOf, claimBy } = answer;
  // (What a join says of the position is of its own moment, which may be a little before `asOf`.)
  if (step === 'poll' && state === 'waiting' && position != null && asOf !== undefined)
    place.waitedUntil = Math.max(place.waitedUntil, asOf);
  // A missed turn that is given again comes before everybody, once: that is promised too.
  if (state === 'ready' && claimBy != null && !missed && !answer.returning)
    place.turnAt = Math.min(place.turnAt, claimBy - claimMs);
}

function overtaken(places: Map<number, Place>): string[] {
  const found: string[] = [];
  let longest: { number: number; place: Place } | null = null;
  for (const [number, place] of [...places].sort(([a], [b]) => a - b)) {
    if (longest && longest.place.waitedUntil > place.turnAt)
      found.push(
        `${place.fan} with number ${number} had a turn at ${time(place.turnAt)}, and ${longest.place.fan} with number ${
          longest.number
        } still waited at ${time(longest.place.waitedUntil)}`,
      );
    if (!longest || place.waitedUntil > longest.place.waitedUntil) longest = { number, place };
  }
  return found;
}

const time = (epochMs: number): string => new Date(epochMs).toISOString();

/**
 * Fans who certainly were in the shop at one moment, beyond the capacity: each from the moment that the shop dates an
 * admission to the moment that the fan first did something that may have ended it, or to its fixed end. Whoever claims
 * again after a loss of Redis may be told another end, and is one fan all the same.
 */
export function overCapacity(history: History): string[] {
  const { fans, sale } = history;
  const lead = leadOf(history);
  if (!lead) return [];
  const moments: { at: number; by: 1 | -1 }[] = [];
  for (const answers of fans.values()) {
    const stays: { from: number; to: number }[] = [];
    const claims = answers.filter(({ step, status }) => step === 'claim' && status === 200);
    for (const expires of new Set(claims.map((claim) => claim.expires as number))) {
      const from = expires - sale.admissionMs;
      const claimed = answers.findIndex((answer) => answer.step === 'claim' && answer.expires === expires);
      const ended = answers.slice(claimed).find(mayEndAdmission);
      const to = Math.min(expires, ended ? ended.sentAt - lead.max : Number.POSITIVE_INFINITY);
      if (to > from) stays.push({ from, to });
    }
    for (const { from, to } of withoutOverlaps(stays)) moments.push({ at: from, by: 1 }, { at: to, by: -1 });
  }
  // At one moment those who go make room first.
  moments.sort((a, b) => a.at - b.at || a.by - b.by);
  let inside = 0;
  let most = { inside: 0, at: 0 };
  for (const { at, by } of moments) {
    inside += by;
    if (inside > most.inside) most = { inside, at };
  }
  return most.inside > sale.capacity
    ? [`At ${time(most.at)} ${most.inside} fans were in the shop, which has room for ${sale.capacity}`]
    : [];
}

function withoutOverlaps(stays: { from: number; to: number }[]): { from: number; to: number }[] {
  const apart: { from: number; to: number }[] = [];
  for (const stay of stays.sort((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last && stay.from <= last.to) last.to = Math.max(last.to, stay.to);
    else apart.push({ ...stay });
  }
  return apart;
}
