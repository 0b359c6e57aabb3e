/** How far a queue had come at some moment: what is behind it Redis has lost. */
export type Moment = {
  epoch: number;
  /** Of the queue in this Redis, made up when the sale was put in; empty for one from before it was noted. */
  birth: string;
  version: number;
  /** Rises with every change of who waits, or of what became of anybody. */
  moves: number;
  /** The run of Redis that was the last to change anything, and how many moves there were when it began. */
  run: string;
  runBeganAt: number;
  lastNumber: number;
};

/**
 * Whether what is seen cannot come after what is remembered: Redis has lost data in between. Counters that have caught up
 * since hide nothing: a new run of Redis has noted how far the queue had come when it began.
 */
export const isBehind = (seen: Moment, remembered: Moment): boolean => {
  if (seen.epoch !== remembered.epoch) return seen.epoch < remembered.epoch;
  if (seen.birth !== remembered.birth) return true;
  const isLess = (['version', 'moves', 'lastNumber'] as const).some((name) => seen[name] < remembered[name]);
  const isOtherRun = seen.run !== remembered.run || seen.runBeganAt !== remembered.runBeganAt;
  return isLess || (isOtherRun && seen.runBeganAt < remembered.moves);
};

/** The same as prelude/states.lua's momentNow answers it. */
export type MomentReply = [
  epoch: number,
  birth: string,
  version: number,
  moves: number,
  run: string,
  runBeganAt: number,
  lastNumber: number,
  eras: string,
];

/** `became`: what became of queue numbers, as far as no memory read since can have it: number, state and moves by then. */
export type HeardMoment = Moment & { eras: string; became: ReadonlyMap<number, Became> };
type Noted = HeardMoment & { became: Map<number, Became> };
type Became = { state: string; moves: number };

/**
 * The newest answers of Redis to fans, by sale. What was answered has been told, and nothing that has been told may be lost
 * unnoticed, not even between two snapshots: a replica that takes over, or a file that misses its last moments, has often lost
 * only these.
 */
export type Heard = {
  note: (sale: string, moment: MomentReply, entry?: { number: number; state: string }) => void;
  /** Of the last epochs, the newest last. */
  of: (sale: string) => readonly HeardMoment[];
  /** A memory of this moment was read: it knows what became of anybody by then. */
  forget: (sale: string, moment: Pick<Moment, 'epoch' | 'moves'>) => void;
};

/** What was told is brought back in the epoch after the loss, unless a loss comes upon it: then in the one after that. */
const EPOCHS_MAX = 8;
/** Far more than become anything between two reads of a memory. */
const BECAME_MAX = 20_000;

export function createHeard(): Heard {
  const queues = new Map<string, Noted[]>();
  return {
    note(sale, [epoch, birth, version, moves, run, runBeganAt, lastNumber, eras], entry) {
      const epochs = queues.get(sale) ?? [];
      queues.set(sale, epochs);
      let last = epochs.at(-1);
      if (last === undefined || epoch > last.epoch) {
        last = { epoch, birth, version, moves, run, runBeganAt, lastNumber, eras, became: new Map() };
        epochs.push(last);
        if (epochs.length > EPOCHS_MAX) epochs.shift();
      }
      const moment = { epoch, birth, version, moves, run, runBeganAt, lastNumber, eras };
      // What is behind the newest, or of a Redis that has lost it, the next snapshot will find out by what stays here.
      if (isBehind(moment, last)) return;
      Object.assign(last, moment);
      if (!entry || entry.number === 0 || last.became.size >= BECAME_MAX) return;
      last.became.set(entry.number, { state: entry.state, moves });
    },
    of: (sale) => queues.get(sale) ?? [],
    forget(sale, { epoch, moves }) {
      for (const moment of queues.get(sale) ?? []) {
        if (moment.epoch > epoch) continue;
        for (const [number, became] of moment.became)
          if (moment.epoch < epoch || became.moves <= moves) moment.became.delete(number);
      }
    },
  };
}
