import { type Hall, openSeats, pricesOf, sizeOf } from '../../seat-map/hall.ts';
import type { ScriptWords } from '../../seat-map/script-words.ts';
import { count as countOf } from './words.ts';

/** How many colours there are for prices (shop.css); further ones begin again. */
export const PRICE_COLOURS = 6;
/** The widest section's shape, and what even the smallest one keeps, in CSS pixels. */
const WIDTH_MAX = 128;
const HEIGHT_MAX = 96;
const SIDE_MIN = 20;

/** The sections' buttons: each with its shape, as large as its seats, filled as far as they are open. */
export function createOverview(root: HTMLElement, words: ScriptWords, choose: (section: string) => void) {
  const buttons = [...root.querySelectorAll<HTMLButtonElement>('[data-section]')];
  for (const button of buttons) button.addEventListener('click', () => choose(button.dataset.section ?? ''));
  const buttonOf = (section: string) => buttons.find(({ dataset }) => dataset.section === section);
  return {
    focus: (section: string) => buttonOf(section)?.focus(),
    measure({ sections }: Hall) {
      const prices = pricesOf({ sections });
      const scale = Math.min(
        WIDTH_MAX / Math.max(...sections.map(({ seatsPerRow }) => seatsPerRow)),
        HEIGHT_MAX / Math.max(...sections.map(({ rows }) => rows)),
      );
      for (const { name, rows, seatsPerRow, price } of sections) {
        const button = buttonOf(name);
        const shape = button?.querySelector<HTMLElement>('.shape');
        if (!button || !shape) continue;
        shape.style.width = `${Math.max(SIDE_MIN, seatsPerRow * scale)}px`;
        shape.style.height = `${Math.max(SIDE_MIN, rows * scale)}px`;
        button.style.setProperty('--tier', `var(--tier-${prices.indexOf(price.amount) % PRICE_COLOURS})`);
      }
    },
    show(hall: Hall) {
      for (const section of hall.sections) {
        const button = buttonOf(section.name);
        const count = button?.querySelector('[data-open-seats]');
        if (!button || !count) continue;
        const open = openSeats(hall, section);
        const text = countOf(open, words.open);
        if (count.textContent !== text) count.textContent = text;
        button.style.setProperty('--open', `${Math.round((100 * open) / sizeOf(section))}%`);
      }
    },
  };
}
