import type { EventAnswer, LayoutAnswer } from '#shared/contract/event.ts';
import { Problem } from '#shared/problem.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';

const REMEMBERED_MAX = 1_000;
const EVENT_AGE_MS_MAX = 60_000;
const ABSENCE_AGE_MS_MAX = 5_000;

/** Facts of events and their layouts, without asking the booking service each time. Throws `not-found`, `unavailable`. */
export type Events = {
  event: (event: string) => Promise<EventAnswer>;
  layout: (event: string, version: number) => Promise<LayoutAnswer>;
};

export function rememberEvents(catalogue: BookingCatalogue): Events {
  const event = remember(catalogue.event, EVENT_AGE_MS_MAX);
  const layout = remember((key) => {
    const [id = '', version] = key.split('/');
    return catalogue.layout(id, Number(version));
  }, Number.POSITIVE_INFINITY);
  return { event, layout: (id, version) => layout(`${id}/${version}`) };
}

/**
 * A look-up that remembers. What is older than `ageMsMax` is answered all the same and renewed behind the answer, so that
 * a booking service that hangs delays nobody. What does not exist is remembered too, for a few seconds and apart, so that
 * made-up ids push nothing real out.
 */
function remember<Fact>(
  ask: (key: string) => Promise<Fact>,
  ageMsMax: number,
): (key: string) => Promise<Fact> {
  const facts = new Map<string, { fact: Fact; at: number }>();
  const absent = new Map<string, number>();
  const asking = new Map<string, Promise<Fact>>();

  const askOnce = (key: string): Promise<Fact> => {
    const underWay = asking.get(key);
    if (underWay) return underWay;
    const answer = ask(key)
      .then(
        (fact) => {
          put(facts, key, { fact, at: performance.now() });
          return fact;
        },
        (error: unknown) => {
          if (error instanceof Problem && error.code === 'not-found') put(absent, key, performance.now());
          throw error;
        },
      )
      .finally(() => asking.delete(key));
    asking.set(key, answer);
    return answer;
  };

  return async (key) => {
    const known = facts.get(key);
    if (known) {
      // A renewal that fails changes nothing: the next one comes with the next question.
      if (performance.now() - known.at > ageMsMax) askOnce(key).catch(() => undefined);
      return known.fact;
    }
    if (performance.now() - (absent.get(key) ?? Number.NEGATIVE_INFINITY) < ABSENCE_AGE_MS_MAX) {
      throw new Problem('not-found', 'There is nothing at this address.');
    }
    return askOnce(key);
  };
}

function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  if (map.size >= REMEMBERED_MAX) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
