import { Worker } from 'node:worker_threads';
import type { Stop } from '#shared/every.ts';
import type { Ordered } from './order.ts';
import { sorterScript } from './sorter-script.made.ts';
import type { SorterCall } from './sorter-thread.ts';

/** Ten million entries take some 10 s on a slow machine; what takes longer hangs. */
const CALL_MS_MAX = 60_000;

/** A lobby's ids and their order (order.ts), worked on in a thread of its own: no poll waits for a million HMACs. */
export type LobbySorter = {
  /** Ids as texts, one behind the other. Calls act in the order in which they are made. */
  add: (texts: Uint8Array) => Promise<void>;
  remove: (texts: Uint8Array) => Promise<void>;
  digest: () => Promise<{ entries: number; digest: string }>;
  all: () => Promise<Uint8Array<ArrayBuffer>>;
  arrange: (key: Uint8Array) => Promise<void>;
  slice: (from: number, count: number) => Promise<Ordered>;
  forget: () => Promise<void>;
};

/**
 * One thread for all lobbies of this process, begun with the first. When it fails all calls under way throw, and what it
 * knew is gone; the next call begins another. `generation` rises with each.
 */
export type Sorter = {
  lobby: (sale: string) => LobbySorter;
  generation: () => number;
  stop: Stop;
};

type Waiting = { resolve: (result: never) => void; reject: (error: unknown) => void };
type Method = SorterCall extends infer Call
  ? Call extends unknown
    ? Omit<Call, 'call' | 'lobby'>
    : never
  : never;

export function createSorter(): Sorter {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let generation = 0;
  let calls = 0;
  let stopped = false;

  const fail = (error: Error) => {
    worker = null;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  const begin = (): Worker => {
    const begun = new Worker(sorterScript, { eval: true });
    generation += 1;
    // Work under way keeps a process that ends no longer than its stop waits for it.
    begun.unref();
    begun.on('message', ({ call, result, error }: { call: number; result: never; error?: Error }) => {
      const caller = waiting.get(call);
      waiting.delete(call);
      if (error) caller?.reject(error);
      else caller?.resolve(result);
    });
    begun.on('error', (error) => worker === begun && fail(error as Error));
    begun.on('exit', () => worker === begun && fail(new Error('the thread that sorts lobbies has ended')));
    worker = begun;
    return begun;
  };

  const send = <Result>(lobby: string, method: Method): Promise<Result> => {
    if (stopped) return Promise.reject(new Error('the gateway stops'));
    const thread = worker ?? begin();
    calls += 1;
    const call = calls;
    return new Promise<Result>((resolve, reject) => {
      const late = setTimeout(() => {
        if (worker !== thread) return;
        fail(new Error(`${method.method} took longer than ${CALL_MS_MAX} ms`));
        void thread.terminate();
      }, CALL_MS_MAX);
      const done =
        <Value>(end: (value: Value) => void) =>
        (value: Value) => {
          clearTimeout(late);
          end(value);
        };
      waiting.set(call, { resolve: done(resolve as (result: never) => void), reject: done(reject) });
      thread.postMessage({ call, lobby, ...method } satisfies SorterCall);
    });
  };

  return {
    lobby: (sale) => ({
      add: (bytes) => send(sale, { method: 'add', bytes }),
      remove: (bytes) => send(sale, { method: 'remove', bytes }),
      digest: () => send(sale, { method: 'digest' }),
      all: () => send(sale, { method: 'all' }),
      arrange: (bytes) => send(sale, { method: 'arrange', bytes }),
      slice: (from, count) => send(sale, { method: 'slice', from, count }),
      forget: () => send(sale, { method: 'forget' }),
    }),
    generation: () => generation,
    stop: async () => {
      stopped = true;
      const ending = worker;
      fail(new Error('the gateway stops'));
      await ending?.terminate();
    },
  };
}
