import { frame } from './ar/frame.ts';
import { home } from './ar/home.ts';
import { seats } from './ar/seats.ts';
import type { Texts } from './en.ts';

export const ar: Texts = { frame, home, seats };
