import { console } from './de/console.ts';
import { draw } from './de/draw.ts';
import { frame } from './de/frame.ts';
import { home } from './de/home.ts';
import { order } from './de/order.ts';
import { problem } from './de/problem.ts';
import { queue } from './de/queue.ts';
import { seats } from './de/seats.ts';
import { shell } from './de/shell.ts';
import { shop } from './de/shop.ts';
import type { Texts } from './en.ts';

export const de: Texts = { console, draw, frame, home, order, problem, queue, seats, shell, shop };
