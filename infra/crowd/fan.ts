import { decodeJwt } from 'jose';
import type { Asked, Question } from '../history/recorder.ts';
import { createFan } from '../journeys/fan.ts';
import type { Random } from '../testing/random.ts';
import { recordedAsk } from './recorded-ask.ts';
import { count, gatewayOf, isOpen, pause, type World } from './world.ts';

/** Who waits for a turn when the time is over goes home. */
const LATE_MS_MAX = 2_000;
const STEPS_MAX = 7;
const TRIES_MAX = 12;
const RETRY_MS_MAX = 1_000;
const CUT_MS_MAX = 400;
/** How long a fan asks what became of an order that is answered later. */
const FOLLOW_MS_MAX = 30_000;
const FOLLOW_EVERY_MS = 400;
/** Behind the hold's end, so that it is really over. */
const PAST_END_MS = 300;
/** Many act at the same moment, so that they meet in one call. */
const BEAT_MS = 300;
/** Seats that everybody wants. */
const HOT_SEATS = 12;
/** So few that many fans give the same address. */
const SHARED_ADDRESSES = 6;

type Shopper = {
  world: World;
  random: Random;
  sale: string;
  fan: string;
  who: string;
  token: string;
  email: string;
};
type Paying = { hold: string; key: string; prefer?: string | undefined; paymentToken: string; email: string };

/** One fan's whole visit: the queue, one or more tabs in the shop, and away. */
export async function visit(world: World, random: Random, name: string): Promise<void> {
  const { sale } = random.pick(world.houses);
  const until = Math.min(Date.now() + world.patience.queueMs, world.endsAt() + LATE_MS_MAX);
  const fan = createFan(world.services.gatewayUrls, sale, name, until, {}, recordedAsk(world, sale, name));
  try {
    await fan.join();
    const state = await fan.queueUp();
    if (state !== 'admitted') return count(world, `not let in: ${state}`);
  } catch (error) {
    if (/still|no answer in time/.test(String(error))) return count(world, 'went home from the queue');
    const [, status = ''] = /: (\d{3}) /.exec(String(error)) ?? [];
    if (Number(status) >= 500 && status !== '503') world.faults.push(`The queue answered ${error}`);
    return count(world, `turned away from the queue: ${status || error}`);
  }
  count(world, 'fans let in');
  const token = fan.admissionToken();
  const email = random.chance(0.1)
    ? `shared-${random.between(1, SHARED_ADDRESSES)}@example.org`
    : `${name.toLowerCase()}@example.org`;
  const shopper = { world, random, sale, fan: name, who: String(decodeJwt(token).sub), token, email };
  const tabs = random.chance(0.25) ? random.between(2, 3) : 1;
  await Promise.all(
    Array.from({ length: tabs }, (_, tab) =>
      shop({ ...shopper, random: random.fork(`tab-${tab}`) }, `tab-${tab}`),
    ),
  );
  if (random.chance(0.8)) await fan.leave().catch(() => count(world, 'could not leave'));
}

async function shop(shopper: Shopper, tab: string): Promise<void> {
  const { world, random } = shopper;
  const holds: string[] = [];
  for (let step = 0; step < random.between(2, STEPS_MAX) && !world.isOver(); step += 1) {
    const act = random.weighted({
      ...{ named: 30, best: 15, seats: 8, holds: 6, wait: 4 },
      ...(holds.length > 0 ? { order: 60, release: 8, expire: 6 } : { order: 0, release: 0, expire: 0 }),
    });
    if (act === 'named' || act === 'best') {
      const hold = await takeHold(shopper, act, `${tab}-hold-${step}`);
      if (hold === 'gone') return;
      if (hold !== null) holds.push(hold);
    } else if (act === 'seats') {
      await ask(shopper, { op: 'look at seats', method: 'GET', path: '/seats' });
    } else if (act === 'holds') {
      await ask(shopper, { op: 'look at holds', method: 'GET', path: '/holds' });
    } else if (act === 'release') {
      await ask(shopper, { op: 'release', method: 'DELETE', path: `/holds/${holds.shift()}` });
    } else if (act === 'expire') {
      await pause(world.show.settings.holdSeconds * 1_000 + PAST_END_MS);
    } else if (act === 'order') {
      const hold = random.pick(holds);
      const ended = await buy(shopper, hold, `${tab}-order-${step}`);
      if (ended === 'bought' || ended === 'gone') return;
    }
    await pause(random.chance(0.5) ? BEAT_MS - (Date.now() % BEAT_MS) : random.between(10, 250));
  }
}

/** The hold's id, null when there is none, `gone` when this fan may do nothing any more. */
async function takeHold(
  shopper: Shopper,
  kind: 'named' | 'best',
  key: string,
): Promise<string | null | 'gone'> {
  const { world, random } = shopper;
  const { hall, seats, settings } = world.show;
  // One more than anybody may have, now and then.
  const quantity = random.chance(0.04)
    ? settings.seatsPerFan + 1
    : random.between(1, settings.seatsPerFan - 1);
  const section = random.chance(0.3) ? { section: random.pick(hall).name } : {};
  const json =
    kind === 'named'
      ? { seats: random.sample(random.chance(0.45) ? seats.slice(0, HOT_SEATS) : seats, quantity) }
      : { best: { quantity, ...section } };
  const op = kind === 'named' ? 'hold' : 'hold the best';
  const isKeyed = random.chance(0.6);
  const question = { op, method: 'POST', path: '/holds', json, key: isKeyed ? key : undefined } as const;
  if (isKeyed && random.chance(0.05)) {
    const other = { ...question, op: 'hold', json: { seats: [random.pick(seats)] } } as const;
    await Promise.all([ask(shopper, question), ask(shopper, other)]);
  }
  for (let attempt = 1; attempt <= TRIES_MAX; attempt += 1) {
    const answer = await ask(shopper, question);
    if (answer.status === 201) return String(answer.body.hold);
    if (!isOpen(answer)) return isGone(answer) ? 'gone' : null;
    if (random.chance(0.1)) return null;
    await pause(Math.min(answer.retryAfter * 1_000, RETRY_MS_MAX) + random.between(20, 200));
  }
  return null;
}

/** The admission is over: bought, left, expired. */
const isGone = ({ status, code }: Asked): boolean => status === 401 || code === 'already-finished';

async function buy(shopper: Shopper, hold: string, key: string): Promise<'bought' | 'not' | 'gone'> {
  const { random, email } = shopper;
  const paymentToken = random.weighted({
    ...{ tok_ok: 62, tok_declined: 12, tok_slow: 8, tok_unknown: 14, tok_nonsense: 4 },
  });
  const prefer = random.chance(0.35) ? 'respond-async' : undefined;
  const paying: Paying = { hold, key, prefer, paymentToken, email };
  const beside: Promise<unknown>[] = [];
  if (random.chance(0.12)) beside.push(pay(shopper, paying));
  if (random.chance(0.08)) beside.push(pay(shopper, { ...paying, email: `other-${email}` }));
  if (random.chance(0.08))
    beside.push(pay(shopper, { ...paying, key: `${key}-again`, paymentToken: 'tok_ok' }));
  const ended = await persist(shopper, paying);
  await Promise.all(beside);
  // A page that is loaded again, by somebody who has finished.
  if (ended === 'bought' && random.chance(0.35)) await pay(shopper, paying);
  return ended;
}

async function persist(shopper: Shopper, paying: Paying): Promise<'bought' | 'not' | 'gone'> {
  const { random } = shopper;
  for (let attempt = 1; attempt <= TRIES_MAX; attempt += 1) {
    const answer = await pay(shopper, paying);
    if (answer.status === 201) return 'bought';
    if (answer.status === 202) return follow(shopper, String(answer.body.order));
    if (typeof answer.body.location === 'string') return follow(shopper, String(answer.body.order));
    if (!isOpen(answer)) return isGone(answer) ? 'gone' : 'not';
    if (random.chance(0.06)) return 'not';
    await pause(Math.min(answer.retryAfter * 1_000, RETRY_MS_MAX) + random.between(20, 300));
  }
  return 'not';
}

async function follow(shopper: Shopper, order: string): Promise<'bought' | 'not'> {
  const { world, random } = shopper;
  if (random.chance(0.15)) return 'not';
  const until = Date.now() + FOLLOW_MS_MAX;
  while (Date.now() < until && !world.isOver()) {
    const { body } = await ask(shopper, { op: 'look at an order', method: 'GET', path: `/orders/${order}` });
    if (body.state === 'confirmed' || body.state === 'refunded') return 'bought';
    if (body.state === 'failed') return 'not';
    await pause(FOLLOW_EVERY_MS);
  }
  return 'not';
}

function pay(shopper: Shopper, { hold, key, prefer, paymentToken, email }: Paying): Promise<Asked> {
  return ask(shopper, {
    op: prefer ? 'order, answered later' : 'order',
    ...{ method: 'POST', path: '/orders', key, prefer },
    json: { hold, buyer: { name: 'A fan', email }, payment: { token: paymentToken } },
  });
}

type Behind = Omit<Question, 'url' | 'token' | 'sale' | 'fan' | 'who'> & { path: string };

/** Any request behind the door; now and then the fan closes the page before it is answered. */
function ask({ world, random, sale, fan, who, token }: Shopper, { path, ...rest }: Behind): Promise<Asked> {
  const url = `${gatewayOf(world, random)}/api/sales/${sale}${path}`;
  const cutAfterMs = random.chance(0.12) ? random.between(1, CUT_MS_MAX) : world.patience.answerMs;
  return world.history.ask({ ...rest, url, token, sale, fan, who, cutAfterMs });
}
