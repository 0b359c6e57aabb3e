import type { Services } from '../../testing/services.ts';
import type { Asked, History } from './history.ts';
import type { Random } from './random.ts';

/** Few, so that fans fight for them. */
export const HALL = [
  { name: 'A', rows: 4, seatsPerRow: 10 },
  { name: 'B', rows: 4, seatsPerRow: 8 },
];
export const SEATS = HALL.flatMap(({ name, rows, seatsPerRow }) =>
  Array.from({ length: rows * seatsPerRow }, (_, i) => {
    const [row, seat] = [Math.floor(i / seatsPerRow) + 1, (i % seatsPerRow) + 1];
    return `${name}-${row}-${seat}`;
  }),
);
export const SEATS_PER_FAN = 4;
export const HOLD_SECONDS = 3;
export const SALE_SETTINGS = {
  capacity: 45,
  admitPerMinute: 60_000,
  seatsPerFan: SEATS_PER_FAN,
  holdSeconds: HOLD_SECONDS,
  claimSeconds: 5,
  admissionSeconds: 20,
  graceSeconds: 20,
  // Otherwise the crashes would leave nobody in.
  adaptiveRate: { enabled: false },
};

export type House = { sale: string; event: string; openedAt: number };

/** What all actors share. */
export type World = {
  services: Pick<Services, 'gatewayUrls' | 'organiserKey' | 'databaseUrl'>;
  history: History;
  /** The sale that runs in each hall. */
  houses: House[];
  /** When crashes end and nobody begins anything new, in epoch milliseconds. */
  endsAt: () => number;
  isOver: () => boolean;
  /** How often what happened outside the history: fans who were not let in, and such. */
  tally: Map<string, number>;
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
