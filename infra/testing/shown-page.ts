import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { publicPage } from '../../gateway/pages/layout.ts';
import type { Locale } from '../../gateway/pages/locale.ts';
import { everyPage, hallOf, type PageState } from '../../gateway/testing/every-page.ts';
import { someSale, someStatus } from '../../gateway/testing/page-states.ts';

/** One picture: a state, or what it becomes when somebody does something on it. */
export type Shown = { name: string; page: PageState['page']; act?: (page: Page) => Promise<void> };

const ORIGIN = 'http://localhost';
/** The clock of the page, so that every clock shows the same each time: that of the states. */
const NOW = new Date(someSale.serverTime);
const ACT_MS_MAX = 30_000;

const nowhere = { position: null, ahead: null, estimate: null };

/** What a script makes of a state once somebody has done something; by kind and name of the state. */
const acts: Record<string, Record<string, (page: Page) => Promise<void>>> = {
  'shop choosing': {
    'a section on the map': openSection,
    'seats chosen on the map': async (page) => {
      await openSection(page);
      for (const key of ['Enter', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
      await page.locator('.tray.full').waitFor();
    },
  },
  'shell lobby': { joined: joins({ state: 'lobby', saleState: 'lobby', ...nowhere }) },
  'shell undrawn': { joined: joins({ state: 'lobby', ...nowhere }) },
  'shell open': {
    waiting: joins({}),
    next: joins({ position: 1, ahead: 0, allHeldUntil: someSale.serverTime }),
    kept: joins(nowhere),
  },
  'shell paused': { waiting: joins({ saleState: 'paused', notice: someSale.notice }) },
};

/** What the queue page becomes for a fan who joins and is told this. */
function joins(changed: Partial<StatusAnswer>): (page: Page) => Promise<void> {
  return async (page) => {
    const answer = { ...someStatus, ...changed };
    // Clocks go by the server's date.
    const headers = { date: NOW.toUTCString() };
    await page.route('**/queue', (route) => route.fulfill({ json: answer, headers }), { times: 1 });
    await page.locator('form button').click();
    await page.locator('form:visible').waitFor({ state: 'detached' });
  };
}

async function openSection(page: Page): Promise<void> {
  await page.locator('[data-open-seats]:not(:empty)').first().waitFor();
  await page.locator('[data-section]').first().click();
  await page.locator('canvas').focus();
}

/** Everything there is to look at in one language, under names that are told apart and sort as the pages belong together. */
export function everythingShown(locale: Locale): Shown[] {
  return everyPage(locale).flatMap(({ kind, name, page }) => {
    const whole = `${kind} ${name}`;
    const further = Object.entries(acts[whole] ?? {});
    return [
      { name: whole, page },
      ...further.map(([after, act]): Shown => ({ name: `${whole}, ${after}`, page, act })),
    ];
  });
}

export type Screen = {
  /** Loads a state as the gateway would send it, with its headers; resolves when its script has begun. */
  show: (locale: Locale, shown: Shown) => Promise<void>;
  page: Page;
  /** What the page complained of since it was opened: errors of its script, breaches of its security policy. */
  faults: string[];
  close: () => Promise<void>;
};

/** A page of a browser to which nobody answers but this process. */
export async function openScreen(chrome: Browser, options: BrowserContextOptions = {}): Promise<Screen> {
  const context = await chrome.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(ACT_MS_MAX);
  await page.clock.setFixedTime(NOW);
  // A page that would go on by itself, as at a turn, stays: it is looked at.
  await page.addInitScript(`
    HTMLFormElement.prototype.requestSubmit = () => {};
    navigation.addEventListener('navigate', (event) => event.preventDefault());
  `);
  // Nor does a state know what was chosen in the one before.
  await page.addInitScript('sessionStorage.clear(); localStorage.clear()');
  await page.addInitScript(pastFigures);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  let body: Uint8Array = new Uint8Array();
  let headers: Record<string, string> = {};
  const { map, layout } = hallOf(['A', 'B']);
  await page.route('**/*', (route) => {
    const request = route.request();
    const { pathname } = new URL(request.url());
    if (request.isNavigationRequest()) return route.fulfill({ body: Buffer.from(body), headers });
    if (pathname.endsWith('/seats')) return route.fulfill({ json: map });
    if (pathname === '/layout') return route.fulfill({ json: layout });
    // Streams and polls wait for an answer, as they do most of the time.
    return undefined;
  });
  return {
    ...{ page, faults, close: () => context.close() },
    async show(locale, { page: content, act }) {
      const finished = await publicPage(locale, content, 'no-store');
      body = finished.body;
      headers = { ...finished.headers };
      await page.goto(`${ORIGIN}/sales/${someSale.sale}`);
      await act?.(page);
    },
  };
}

/**
 * Five minutes of a sale, as the console's charts keep them: what they show is as much a state as any other. A sample in six
 * seconds is a line as whole as one in two, and a third of the rows to be looked at.
 */
const pastFigures = `sessionStorage.setItem('samples-${someSale.sale}', JSON.stringify(Array.from({ length: 50 }, (_, n) => 3 * n).map((i) => ({
  at: Date.now() - (150 - i) * 2_000,
  values: {
    joinedPerMinute: Math.round(900 - i * 2 + 80 * Math.sin(i / 9)), admittedPerMinute: Math.round(500 + 60 * Math.sin(i / 15)),
    effectivePerMinute: 600, waiting: 5_500 - i * 10, admitted: 90 + (i % 8), capacity: i < 100 ? 80 : 100,
    sold: i * 2, held: 150 + (i % 40),
  },
}))))`;
