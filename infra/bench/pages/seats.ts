import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Figure } from '../figures.ts';
import { median } from '../figures.ts';

const FIRST_PAINT_MS_MAX = 1_000;
const MAP_MS_MAX = 2_000;
const FRAME_MS_MAX = 16;
/** The browser makes sixty a second at most: fewer than fifty were dropped. */
const BETWEEN_FRAMES_MS_MAX = 20;
const HEAP_MB_MAX = 32;
const SECTION = 'J';
/** How long a finger is dragged, in steps. */
const DRAG_STEPS = 200;
const DRAG_PX = 3;

const devices: [string, BrowserContextOptions][] = [
  ['phone', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }],
  ['desk', { viewport: { width: 1_200, height: 900 } }],
];

type Measured = { firstPaintMs: number; mapMs: number; frameMs: number; betweenMs: number; heapMb: number };

/** First paint, the map, frames while a section is dragged, and memory; a fresh browser profile each round. */
export async function measureSeats(chrome: Browser, saleUrl: string, rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [device, options] of devices) {
    const measured: Measured[] = [];
    for (let i = 0; i < rounds; i += 1) measured.push(await measure(chrome, saleUrl, options));
    const figure = (what: string, of: keyof Measured, unit: string, bound: number): Figure => ({
      ...{ what: `${what}, ${device}`, rounds: measured.map((each) => each[of]), unit, bound },
      ...{ side: 'at most', digits: 1 },
    });
    figures.push(
      figure('first contentful paint', 'firstPaintMs', ' ms', FIRST_PAINT_MS_MAX),
      figure('until the overview counts open seats', 'mapMs', ' ms', MAP_MS_MAX),
      figure('work of a frame while a section is dragged', 'frameMs', ' ms', FRAME_MS_MAX),
      figure('from one of these frames to the next', 'betweenMs', ' ms', BETWEEN_FRAMES_MS_MAX),
      figure('JavaScript heap after it', 'heapMb', ' MB', HEAP_MB_MAX),
    );
  }
  return figures;
}

async function measure(chrome: Browser, saleUrl: string, options: BrowserContextOptions): Promise<Measured> {
  const context = await chrome.newContext(options);
  try {
    const page = await context.newPage();
    await page.goto(saleUrl);
    await page.getByRole('button', { name: 'Join the queue' }).click();
    await page.waitForURL(/\/seats$/);
    // By a navigation of its own: what came before is the queue's.
    await page.goto(`${saleUrl}/seats`);
    await page.locator('[data-open-seats]:not(:empty)').first().waitFor({ state: 'attached' });
    const mapMs = (await page.evaluate('performance.now()')) as number;
    const firstPaintMs = (await page.evaluate(`new Promise((resolve) => {
      new PerformanceObserver((list) => {
        const [paint] = list.getEntriesByName('first-contentful-paint');
        if (paint) resolve(paint.startTime);
      }).observe({ type: 'paint', buffered: true });
    })`)) as number;
    await page.locator(`[data-section="${SECTION}"]`).click();
    const frames = await framesOfDrag(page);
    const of = (key: keyof Frame) => median(frames.map((frame) => frame[key]));
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Number.NaN;
    return {
      firstPaintMs,
      mapMs,
      frameMs: of('workMs'),
      betweenMs: of('betweenMs'),
      heapMb: heap / 1024 ** 2,
    };
  } finally {
    await context.close();
  }
}

type Frame = { workMs: number; betweenMs: number };

/**
 * The frames in which the section was drawn: the page's own work and the canvas' pixels, which are asked for so that none
 * of it is put off.
 */
async function framesOfDrag(page: Page): Promise<Frame[]> {
  const canvas = page.locator('canvas');
  await page.getByRole('button', { name: 'Larger' }).click();
  const box = await canvas.boundingBox();
  if (!box) throw new Error('There is no canvas.');
  await page.evaluate(`{
    window.frames_ = [];
    let last = 0;
    const canvas = document.querySelector('canvas').getContext('2d');
    const askForFrame = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (draw) => askForFrame((now) => {
      const start = performance.now();
      draw(now);
      canvas.getImageData(0, 0, 1, 1);
      window.frames_.push({ workMs: performance.now() - start, betweenMs: now - last });
      last = now;
    });
  }`);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 0; i < DRAG_STEPS; i += 1) {
    // There and back again, so that there is always something to move.
    const along = Math.abs((i % 60) - 30) * DRAG_PX;
    await page.mouse.move(x - along, y - along / 2);
  }
  await page.mouse.up();
  return (await page.evaluate('window.frames_')) as Frame[];
}
