import { readFileSync } from 'node:fs';
import type { DrawState, SaleState } from '#shared/contract/sale.ts';
import type { RedisClient } from '#shared/redis.ts';
import { saleKey, saleKeys } from '../../../gateway/redis/keys.ts';
import { prelude } from '../../../gateway/redis/prelude.ts';
import type { PublishedDraw } from './draw.ts';

/** Numbers and ids a call looks at, so that no call keeps Redis from the shop for more than a few milliseconds. */
const NUMBERS_PER_CALL = 2_000;
const ENTRIES_PER_CALL = 500;

const sourceOf = (name: string) => `${prelude}\n${readFileSync(new URL(name, import.meta.url), 'utf8')}`;
const sources = {
  figures: sourceOf('./figures.lua'),
  waitingPage: sourceOf('./waiting-page.lua'),
  entriesPage: sourceOf('./entries-page.lua'),
};

export type Figures = {
  now: number;
  state: SaleState;
  version: number;
  capacity: number;
  opensAt: number;
  claimMs: number;
  admissionMs: number;
  definition: string;
  live: string[];
  unsaved: number;
  last: number;
  joined: number;
  ended: number;
  lobby: number;
  waiting: number;
  bits: number;
  ready: number;
  blocked: number;
  admitted: number;
  returning: number;
  outside: number;
  firstWaiting?: number;
  firstClaimBy?: number;
  firstExpiry?: number;
  turnsGivenAt?: number;
  /** No turns and no numbers are given before this moment: Redis had started anew, or lost data. */
  waitsUntil: number;
  recovering: boolean;
  /** The last number that anybody remembered when Redis had lost data. */
  restoredTo: number;
  overbooked: number;
  drawState: DrawState;
  drawPlaced: number;
  drawEntries: number;
};

export type WaitingPage = {
  ids: { id: string; number: number }[];
  withoutBit: number[];
  withoutMember: number[];
  recorded: string[];
};

/** What prelude/entries.lua's writeEntry keeps of an entry. */
export type EntryRecord = {
  state: string;
  number?: number;
  claimBy?: number;
  expiresAt?: number;
  holdEnds?: number;
  exp?: number;
  returning?: boolean;
  jti?: string;
  /** Brought back after Redis had lost data. */
  adopted?: boolean;
};

export type SeenEntry = {
  id: string;
  record: EntryRecord | null;
  waiting: number | null;
  ready: number | null;
  blocked: number | null;
  returning: number | null;
  admitted: number | null;
  lobby: boolean;
};

export type QueueReader = ReturnType<typeof queueReader>;

/** Reads one sale's queue through scripts that Redis itself keeps from writing (EVAL_RO). */
export function queueReader(
  redis: Pick<
    RedisClient,
    'call' | 'hscan' | 'zscan' | 'hget' | 'hmget' | 'getrangeBuffer' | 'lindex' | 'bitfield' | 'getBuffer'
  >,
  sale: string,
  time: () => number | null = () => null,
) {
  const keys = saleKeys(sale);
  const run = async <Answer>(source: string, args: (string | number)[] = []): Promise<Answer> => {
    const text = await redis.call('EVAL_RO', source, keys.length, ...keys, time() ?? '', ...args);
    return JSON.parse(String(text)) as Answer;
  };

  const entriesOf = async (ids: string[]): Promise<SeenEntry[]> => {
    type Packed = [string | false, ...(string | false)[]];
    const packed = await run<Packed[]>(sources.entriesPage, ids);
    const score = (value: unknown) => (typeof value === 'string' ? Number(value) : null);
    return packed.map(([record, waiting, ready, blocked, returning, admitted, lobby], i) => ({
      id: ids[i] as string,
      record: record === false ? null : (JSON.parse(record) as EntryRecord),
      waiting: score(waiting),
      ready: score(ready),
      blocked: score(blocked),
      returning: score(returning),
      admitted: score(admitted),
      lobby: Boolean(lobby),
    }));
  };

  return {
    sale,
    /** Null when the sale is not in this Redis. */
    figures: () => run<Figures | null>(sources.figures),

    /** All numbers from 1 to `last`, page by page; each page is of one moment. */
    async *waitingPages(last: number): AsyncGenerator<WaitingPage> {
      for (let from = 0; from <= last; from += NUMBERS_PER_CALL) {
        const to = Math.min(last, from + NUMBERS_PER_CALL - 1);
        const page = await run<Record<keyof WaitingPage, unknown>>(sources.waitingPage, [from, to]);
        const flat = list<string>(page.ids);
        yield {
          ids: flat.flatMap((id, i) => (i % 2 === 0 ? [{ id, number: Number(flat[i + 1]) }] : [])),
          withoutBit: list(page.withoutBit),
          withoutMember: list(page.withoutMember),
          recorded: list(page.recorded),
        };
      }
    },

    entriesOf,

    /** When it was noticed last that Redis had lost data of this queue, epoch milliseconds; null when it never has. */
    async lostAt(): Promise<number | null> {
      const text = await redis.hget(saleKey(sale, 'queue'), 'lostAt');
      return text === null ? null : Number(text);
    },

    /** Whether it is recorded what became of a number, whoever had it. */
    async isRecorded(number: number): Promise<boolean> {
      const [code] = (await redis.bitfield(saleKey(sale, 'states'), 'GET', 'u4', `#${number}`)) as number[];
      return code !== 0;
    },

    /** Every entry that is recorded, and every member of the sets of those who no longer wait; some of them twice. */
    async *entries(): AsyncGenerator<SeenEntry[]> {
      let cursor = '0';
      do {
        const [next, packed] = await redis.hscan(saleKey(sale, 'entries'), cursor, 'COUNT', ENTRIES_PER_CALL);
        cursor = next;
        yield* inPages(packed.filter((_, i) => i % 2 === 0));
      } while (cursor !== '0');
      for (const name of ['ready', 'blocked', 'returning', 'admitted'] as const) {
        do {
          const [next, packed] = await redis.zscan(saleKey(sale, name), cursor, 'COUNT', ENTRIES_PER_CALL);
          cursor = next;
          yield* inPages(packed.filter((_, i) => i % 2 === 0));
        } while (cursor !== '0');
      }
    },

    async draw(): Promise<PublishedDraw> {
      const [seed, commitment, digest, beacon] = await redis.hmget(
        saleKey(sale, 'draw'),
        'seed',
        'commitment',
        'digest',
        'beacon',
      );
      const ids: string[] = [];
      // Eight bytes each, one behind the other (gateway/lobby/place.lua).
      const drawn = await redis.getBuffer(saleKey(sale, 'drawn'));
      for (let from = 0; from < (drawn?.length ?? 0); from += 8)
        ids.push(drawn!.subarray(from, from + 8).toString('base64url'));
      return {
        seed: seed ?? '',
        commitment: commitment ?? '',
        digest: digest ?? '',
        beacon: beacon ?? null,
        ids,
      };
    },

    /** When the oldest change that is not durable yet was made, epoch milliseconds; null without one. */
    async oldestUnsaved(): Promise<number | null> {
      const text = await redis.lindex(saleKey(sale, 'unsaved'), 0);
      return text === null ? null : Date.parse((JSON.parse(text) as { at: string }).at);
    },
  };

  /** A hash that is packed small answers a scan with everything at once, whatever it is asked for. */
  async function* inPages(ids: string[]): AsyncGenerator<SeenEntry[]> {
    for (let from = 0; from < ids.length; from += ENTRIES_PER_CALL) {
      yield await entriesOf(ids.slice(from, from + ENTRIES_PER_CALL));
    }
  }
}

/** Lua knows no difference between an empty list and an empty table, which is packed as {}. */
const list = <Item>(packed: unknown): Item[] => (Array.isArray(packed) ? (packed as Item[]) : []);
