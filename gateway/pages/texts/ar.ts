import { console } from './ar/console.ts';
import { draw } from './ar/draw.ts';
import { frame } from './ar/frame.ts';
import { home } from './ar/home.ts';
import { order } from './ar/order.ts';
import { problem } from './ar/problem.ts';
import { queue } from './ar/queue.ts';
import { seats } from './ar/seats.ts';
import { shell } from './ar/shell.ts';
import { shop } from './ar/shop.ts';
import type { Texts } from './en.ts';

export const ar: Texts = { console, draw, frame, home, order, problem, queue, seats, shell, shop };
