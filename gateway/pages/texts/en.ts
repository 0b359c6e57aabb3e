import { console } from './en/console.ts';
import { draw } from './en/draw.ts';
import { frame } from './en/frame.ts';
import { home } from './en/home.ts';
import { order } from './en/order.ts';
import { problem } from './en/problem.ts';
import { queue } from './en/queue.ts';
import { seats } from './en/seats.ts';
import { shell } from './en/shell.ts';
import { shop } from './en/shop.ts';

/** Every word of the pages, in one place a language: a file for each kind of page. */
export const en = { console, draw, frame, home, order, problem, queue, seats, shell, shop };

/** What a language has to say; the others are checked against English. */
export type Texts = typeof en;
