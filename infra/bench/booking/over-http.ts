import type postgres from 'postgres';
import { type Figure, median } from '../figures.ts';
import { ask, type Child } from '../processes.ts';
import type { Load, Outcome } from './client.ts';
import { IN_FLIGHT, ROUND_MS, ROUNDS, SEATS, SEATS_PER_FAN, say } from './settings.ts';
import { makeHouse, type Shop, type Signer, tokensOf } from './shop.ts';

/** As long as a disk may take to write down a commit. */
const SLOW_SYNC_MS = 5;
const STATUS_SEATS = 80_000;
const STATUS_CONNECTIONS = 64;

export type HttpBench = { sql: postgres.Sql; signer: Signer; client: Child; plain: Shop; together: Shop };
export type Measured = Outcome & { perSecond: number };

export type Asked = Omit<Load, 'bytes'> & { bytes?: number };

export const loader =
  (client: Child) =>
  async (asked: Asked): Promise<Measured> => {
    const outcome = await ask<Outcome>(client.child, { bytes: 0, ...asked });
    if (outcome.fault !== null) throw new Error(outcome.fault);
    return { ...outcome, perSecond: (outcome.won * 1000) / outcome.ms };
  };

/** Holds or orders over HTTP. What is won is counted in the database. */
export const seller = ({ sql, signer, client }: Pick<HttpBench, 'sql' | 'signer' | 'client'>) => {
  const load = loader(client);
  return async (kind: 'hold' | 'order', shop: Shop, ms: number): Promise<Measured> => {
    const house = await makeHouse(sql, shop.port, SEATS);
    // One admission buys one order; of holds each fan may make as many as there are seats for them.
    const fans = SEATS / 2 / (kind === 'order' ? 1 : SEATS_PER_FAN);
    const tokens = await tokensOf(signer, house.sale, fans);
    const common = { port: shop.port, sale: house.sale, tokens, seats: house.seats.slice(0, SEATS / 2) };
    await load({ ...common, kind: 'warm', connections: 64, ms: 60_000 });
    const outcome = await load({ ...common, kind, connections: IN_FLIGHT, ms });
    const [counted] = await sql<{ held: number; sold: number; messages: number }[]>`
      select count(*) filter (where state = 1)::int as held, count(*) filter (where state = 2)::int as sold,
        (select count(*)::int from outbox_message join ticket_order on ticket_order.id = ticket_order
          join ticket on ticket.ticket_order = outbox_message.ticket_order
          where ticket.event = ${house.event}) as messages
      from seat where event = ${house.event}`;
    const isWhole =
      kind === 'hold'
        ? counted?.held === outcome.won
        : counted?.sold === outcome.won && counted.messages === 2 * outcome.won;
    if (!isWhole)
      throw new Error(`${outcome.won} were won by the answers, and in the books ${JSON.stringify(counted)}`);
    if (outcome.won === common.seats.length) throw new Error('A round sold everything: give it more SEATS.');
    return outcome;
  };
};

/** Requests that go together, against requests one by one. */
export async function measureOverHttp(bench: HttpBench): Promise<Figure[]> {
  const { sql, plain, together } = bench;
  const sell = seller(bench);

  const compare = async (kind: 'hold' | 'order'): Promise<{ ratios: number[]; note: string }> => {
    const rounds: [Measured, Measured][] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const first = round % 2 === 0 ? plain : together;
      const one = await sell(kind, first, ROUND_MS);
      const two = await sell(kind, first === plain ? together : plain, ROUND_MS);
      rounds.push(first === plain ? [one, two] : [two, one]);
    }
    const of = (index: 0 | 1, what: 'perSecond' | 'p50Ms' | 'p99Ms') =>
      Math.round(median(rounds.map((pair) => pair[index][what])));
    const note = `${of(1, 'perSecond')}/s of ${of(0, 'perSecond')}/s; p50 ${of(1, 'p50Ms')} of ${of(0, 'p50Ms')} ms, p99 ${of(1, 'p99Ms')} of ${of(0, 'p99Ms')} ms`;
    say(`${kind}: ${note}`);
    return { ratios: rounds.map(([base, own]) => own.perSecond / base.perSecond), note };
  };

  // Once for nothing: code is compiled from here on.
  for (const shop of [plain, together]) await sell('order', shop, ROUND_MS / 2);
  const holds = await compare('hold');
  const orders = await compare('order');
  await slowSync(sql, true);
  const slow = await compare('hold').finally(() => slowSync(sql, false));
  const figure = (
    what: string,
    { ratios, note }: { ratios: number[]; note: string },
    bound: number,
  ): Figure => ({
    ...{ what, rounds: ratios, unit: ' ×', bound, side: 'at least', note },
  });
  return [
    figure('single seats held over HTTP', holds, 2.5),
    figure(`the same, a commit takes ${SLOW_SYNC_MS} ms`, slow, 5),
    figure('complete orders over HTTP', orders, 2.5),
  ];
}

/**
 * Makes every commit wait before it is written down, as on a disk whose sync takes as long; those that come meanwhile are
 * written with it, as there.
 */
async function slowSync(sql: postgres.Sql, isSlow: boolean): Promise<void> {
  await sql.unsafe(`alter system set commit_delay = ${isSlow ? SLOW_SYNC_MS * 1000 : 0}`);
  await sql`alter system set commit_siblings = 0`;
  await sql`select pg_reload_conf()`;
}

/** What a fan who browses asks for again and again. */
export async function measureStatus({ sql, signer, client, together }: HttpBench): Promise<Figure[]> {
  const load = loader(client);
  const house = await makeHouse(sql, together.port, STATUS_SEATS);
  const tokens = await tokensOf(signer, house.sale, 1);
  const common = { sale: house.sale, tokens, seats: [], connections: STATUS_CONNECTIONS };
  const seats = (ms: number) => load({ ...common, kind: 'seats', port: together.port, ms });
  const { bytes } = await seats(ROUND_MS);
  const bare = (ms: number) => load({ ...common, kind: 'bare', port: together.barePort, bytes, ms });
  await bare(ROUND_MS);
  const rounds: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const base = await bare(ROUND_MS);
    const own = await seats(ROUND_MS);
    rounds.push(own.perSecond / base.perSecond);
    rates.push(own.perSecond);
  }
  const what = `status of ${STATUS_SEATS} seats, against a bare answer`;
  const note = `${Math.round(median(rates))}/s, ${bytes} bytes`;
  return [{ what, rounds, unit: ' ×', bound: 0.85, side: 'at least', note }];
}
