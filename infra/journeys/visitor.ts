import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

export const PAGE_MS_MAX = 15_000;
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, locale: 'en-GB' };
/** For `createVisitor`: a window at a desk, instead of a phone. */
export const desk: BrowserContextOptions = { viewport: { width: 1280, height: 720 } };

/** `init`: a script that every page of it runs first. */
export type VisitorOptions = BrowserContextOptions & { init?: string };

/** One browser of one person: its first page, and what any of its pages complained of. */
export type Visitor = { context: BrowserContext; page: Page; faults: string[]; hasScripts: boolean };

export async function createVisitor(
  chrome: Browser,
  { init = '', ...options }: VisitorOptions = {},
): Promise<Visitor> {
  const context = await chrome.newContext({ ...phone, ...options });
  context.setDefaultTimeout(PAGE_MS_MAX);
  if (init) await context.addInitScript(init);
  const faults: string[] = [];
  context.on('weberror', (error) => faults.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  const hasScripts = options.javaScriptEnabled !== false;
  return { context, page: await context.newPage(), faults, hasScripts };
}

/** A browser of its own that has opened an address. */
export async function visit(chrome: Browser, url: string, options: VisitorOptions = {}): Promise<Visitor> {
  const visitor = await createVisitor(chrome, options);
  await visitor.page.goto(url);
  return visitor;
}

/** A further tab of the same browser. */
export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** A headless browser never hides a tab: the page is told that it is hidden, as a browser would, by `become('hidden')`. */
export const hidable = `
  let state = 'visible';
  Object.defineProperty(document, 'visibilityState', { get: () => state });
  Object.defineProperty(document, 'hidden', { get: () => state === 'hidden' });
  window.become = (next) => {
    state = next;
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  };`;
