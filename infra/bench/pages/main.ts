import { createRoster } from '../../local/roster.mjs';
import { findChrome } from '../../test/chrome.mjs';
import { launchChrome } from '../../testing/chrome.ts';
import { holds, table } from '../figures.ts';
import { measureSeats } from './seats.ts';
import { openLargeHall, ROWS, SEATS_PER_ROW, SECTIONS, startShop } from './shop.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 5);

/** `npm run bench:pages`: resolves to the exit code, 1 when a figure does not hold. */
export async function main({ root }: { root: string }): Promise<number> {
  const path = await findChrome(createRoster());
  if (!path) return 2;
  const shop = await startShop(root);
  const chrome = await launchChrome(path, true);
  try {
    const sale = await openLargeHall(shop);
    const seats = SECTIONS * ROWS * SEATS_PER_ROW;
    process.stdout.write(`The seats page of a hall of ${seats} seats on this machine, ${ROUNDS} rounds.\n`);
    const figures = await measureSeats(chrome, `${shop.gatewayUrls[0]}/sales/${sale}`, ROUNDS);
    process.stdout.write(`${table(figures)}\n`);
    return figures.every(holds) ? 0 : 1;
  } finally {
    await chrome.close();
    await shop.stop();
  }
}
