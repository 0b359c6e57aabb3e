import { tagOf } from '../words.ts';

const short = new Intl.NumberFormat(tagOf('en'), { notation: 'compact', maximumFractionDigits: 0 });
const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
let drawn = '';

/** The tab's icon carries the position, large ones as thousands: 12K. */
export function drawIcon(position: number): void {
  const text = short.format(position);
  if (!icon || text === drawn) return;
  drawn = text;
  const size = text.length > 2 ? 15 : 22;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#5b2bd6"/><text x="16" y="17" text-anchor="middle" dominant-baseline="central" font-family="sans-serif" font-weight="700" font-size="${size}" fill="#fff">${text}</text></svg>`;
  icon.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
