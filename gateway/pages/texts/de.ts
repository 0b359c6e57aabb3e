import { frame } from './de/frame.ts';
import { home } from './de/home.ts';
import { seats } from './de/seats.ts';
import type { Texts } from './en.ts';

export const de: Texts = { frame, home, seats };
