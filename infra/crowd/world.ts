import { type Hall, seatNames } from '../history/hall.ts';
import type { SaleRecord } from '../history/record.ts';
import type { Asked, History } from '../history/recorder.ts';
import type { Random } from '../testing/random.ts';
import type { Services } from '../testing/services.ts';

/** What is sold and how, in every hall alike. */
export type Show = {
  hall: Hall;
  seats: string[];
  settings: typeof everySale & { capacity: number; admitPerMinute: number };
};
const everySale = {
  seatsPerFan: 4,
  holdSeconds: 3,
  claimSeconds: 5,
  admissionSeconds: 20,
  graceSeconds: 20,
  // Otherwise the crashes would leave nobody in.
  adaptiveRate: { enabled: false },
};

type Pace = { capacity: number; admitPerMinute: number; admissionSeconds?: number };

export const showIn = (hall: Hall, pace: Pace): Show => ({
  hall,
  seats: seatNames(hall),
  settings: { ...everySale, ...pace },
});

/** The sale as the judges of a history know it. */
export const recordOf = ({ seats, settings }: Show, { sale, event }: House): SaleRecord => ({
  ...{ kind: 'sale', sale, event, capacity: settings.capacity, seats: seats.length },
  ...{ seatsPerFan: settings.seatsPerFan, claimMs: settings.claimSeconds * 1_000 },
  admissionMs: settings.admissionSeconds * 1_000,
});

export type House = { sale: string; event: string; openedAt: number };

/** What all actors share. */
export type World = {
  services: Pick<Services, 'gatewayUrls' | 'organiserKey' | 'databaseUrl'>;
  history: History;
  show: Show;
  /** Every sale there ever was. */
  sales: SaleRecord[];
  /** The sale that runs in each hall. */
  houses: House[];
  /** When crashes end and nobody begins anything new, in epoch milliseconds. */
  endsAt: () => number;
  isOver: () => boolean;
  /** How often what happened outside the history: fans who were not let in, and such. */
  tally: Map<string, number>;
  /** After `answerMs` without an answer somebody asks again; a fan queues, and a sale goes on, so long at most. */
  patience: { answerMs: number; queueMs: number; saleMs: number };
  /** What must never happen and is seen at once. */
  faults: string[];
};

export const count = ({ tally }: World, what: string): void => {
  tally.set(what, (tally.get(what) ?? 0) + 1);
};

export const gatewayOf = ({ services }: World, random: Random): string => random.pick(services.gatewayUrls);

/** Whether the same request is to be made again: nothing is known, or it is being worked on. */
export const isOpen = ({ outcome, code }: Asked): boolean => outcome === 'unknown' || code === 'in-progress';

/** Pauses that a busy machine makes longer are none of the choices. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
