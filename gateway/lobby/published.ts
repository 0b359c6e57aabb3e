import { isoTimeOrNull } from '#shared/clock.ts';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import type { Beacon } from '#shared/contract/sale.ts';
import {
  CACHED_FOR_A_SECOND,
  type FinishedAnswer,
  finishJson,
  finishPieces,
} from '#shared/finished-answer.ts';
import { saleKey } from '../redis/keys.ts';
import { redisProblem, type Store } from '../redis/script.ts';
import { drawnBytes, drawnCount } from './draw.ts';
import { ID_LENGTH, textsOf } from './lobby-ids.ts';

/** A draw that is not over changes; who asks more often than this is told the same. */
const FACTS_AGE_MS_MAX = 500;
const SALES_REMEMBERED_MAX = 1_000;
/** Seven draws of a million. */
const FINISHED_BYTES_MAX = 100 * 1024 * 1024;

/** A drawn order never changes. */
const FOR_A_DAY = 'public, max-age=86400, immutable';

/** A draw without the list of its ids, which can be long. */
export type DrawFacts = Omit<DrawAnswer, 'ids'>;

/** What is public about the draws of sales. Seed and order stay secret until the order is written. Throws `unavailable`. */
export type Draws = {
  facts: (sale: string) => Promise<DrawFacts>;
  /** All of it as a finished answer; once it is drawn it is made once, in small steps. */
  answer: (sale: string) => Promise<FinishedAnswer>;
};

export function publishDraws(store: Store): Draws {
  const lately = new Map<string, { at: number; facts: Promise<DrawFacts> }>();
  const finished = new Map<string, { drawn: string; answer: Promise<FinishedAnswer & { size: number }> }>();
  let finishedBytes = 0;

  const facts = (sale: string): Promise<DrawFacts> => {
    const known = lately.get(sale);
    if (known && performance.now() - known.at < FACTS_AGE_MS_MAX) return known.facts;
    if (lately.size >= SALES_REMEMBERED_MAX) lately.clear();
    const reading = readFacts(store, sale);
    lately.set(sale, { at: performance.now(), facts: reading });
    // A failure is told to those who asked, and not remembered.
    reading.catch(() => lately.delete(sale));
    return reading;
  };

  const finish = async (sale: string, drawn: DrawFacts) => {
    const answer = await finishPieces(piecesOf(store, sale, drawn), 'application/json', {
      'cache-control': FOR_A_DAY,
    });
    const size = answer.body.length;
    finishedBytes += size;
    for (const oldest of finished.keys()) {
      if (finishedBytes <= FINISHED_BYTES_MAX || oldest === sale) break;
      await drop(oldest);
    }
    return { ...answer, size };
  };
  /** One that could not be finished has no bytes that were counted. */
  const drop = async (sale: string): Promise<void> => {
    const known = finished.get(sale);
    finished.delete(sale);
    const size = await known?.answer.then((answer) => answer.size).catch(() => 0);
    finishedBytes -= size ?? 0;
  };

  return {
    facts,
    async answer(sale) {
      const earlier = finished.get(sale);
      // While Redis is away what was drawn can be told all the same.
      const drawn = await facts(sale).catch((error: unknown) => {
        if (earlier) return null;
        throw error;
      });
      if (earlier && drawn === null) return earlier.answer;
      if (drawn?.state !== 'drawn') return finishJson({ ...drawn, ids: null }, CACHED_FOR_A_SECOND);
      // After a loss another draw may have been held: every gateway says the same.
      const described = JSON.stringify(drawn);
      const known = finished.get(sale);
      if (known?.drawn === described) return known.answer;
      if (known) void drop(sale);
      const answer = finish(sale, drawn);
      finished.set(sale, { drawn: described, answer });
      answer.catch(() => {
        if (finished.get(sale)?.answer === answer) finished.delete(sale);
      });
      return answer;
    },
  };
}

/** The answer as JSON, a few thousand ids at a time. */
async function* piecesOf(store: Store, sale: string, drawn: DrawFacts): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(drawn).slice(0, -1)},"ids":[`);
  let isFirst = true;
  for await (const bytes of drawnBytes(store, sale)) {
    const texts = textsOf(bytes);
    const quoted = Buffer.allocUnsafe((texts.length / ID_LENGTH) * (ID_LENGTH + 3));
    let at = 0;
    for (let from = 0; from < texts.length; from += ID_LENGTH) {
      quoted[at] = 0x2c;
      quoted[at + 1] = 0x22;
      quoted.set(texts.subarray(from, from + ID_LENGTH), at + 2);
      quoted[at + ID_LENGTH + 2] = 0x22;
      at += ID_LENGTH + 3;
    }
    yield isFirst ? quoted.subarray(1) : quoted;
    isFirst = false;
  }
  yield Buffer.from(']}');
}

async function readFacts(store: Store, sale: string): Promise<DrawFacts> {
  try {
    const [draw, named, drawn] = await Promise.all([
      store.redis.hgetall(saleKey(sale, 'draw')),
      store.redis.hget(saleKey(sale, 'sale'), 'beacon'),
      drawnCount(store, sale),
    ]);
    // An order that is not whole is no proof.
    const isUnproven = draw.state === 'drawn' && drawn !== Number(draw.entries);
    const state = (isUnproven ? 'unproven' : (draw.state ?? 'none')) as DrawFacts['state'];
    const source = draw.beaconSource ?? named;
    const time = (name: string) => isoTimeOrNull(draw[name] === undefined ? null : Number(draw[name]));
    return {
      sale,
      state,
      commitment: draw.commitment ?? null,
      recommittedAt: time('recommittedAt'),
      closedAgain: draw.closedAgain !== undefined,
      digest: draw.digest ?? null,
      seed: state === 'drawn' ? (draw.seed ?? null) : null,
      beaconSource: source && state !== 'none' ? (JSON.parse(source) as Beacon) : null,
      beacon: draw.beacon ?? null,
      withoutBeacon:
        draw.withoutBeacon === undefined ? null : { reason: draw.withoutBeacon, at: time('beaconAt') ?? '' },
      entries: draw.entries === undefined ? null : Number(draw.entries),
      frozenAt: time('frozenAt'),
      digestAt: time('digestAt'),
      beaconAt: time('beaconAt'),
      drawnAt: time('drawnAt'),
    };
  } catch (error) {
    throw redisProblem(error);
  }
}
