import type { Books } from './books.ts';
import type { Disturbance } from './disturbance.ts';
import type { Hall } from './hall.ts';
import type { SaleRecord } from './record.ts';
import type { Asked } from './recorder.ts';

export type Evidence = {
  asked: readonly Asked[];
  books: Books;
  disturbances: readonly Disturbance[];
  /** Of every sale that was run; each in a hall of its own, all alike. */
  sales: readonly SaleRecord[];
  hall: Hall;
};

export const say = ({ op, who, key, status, code, tookMs }: Asked): string =>
  `${op} of ${who}${key ? ` under the key ${key}` : ''} (${status} ${code} after ${Math.round(tookMs)} ms)`;
