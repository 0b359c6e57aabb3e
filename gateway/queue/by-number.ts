/** Queue numbers in one page. */
export const NUMBERS_PER_PAGE = 1_024;
/** When all pages are in use, every so many times that one more is asked for it takes the place of another. */
const ASKED_PER_EXCHANGE = 64;

/**
 * What a process keeps for each queue number, in pages of NUMBERS_PER_PAGE, at most `pagesMax` of them, for things that
 * may be forgotten. Where more numbers are in use than fit, a part of them is remembered for long, and not all of them for
 * a moment: a page that gave way at once would be gone again before its numbers come a second time.
 */
export type ByNumber<Page> = {
  /** The page of a number, or undefined while there is none. */
  find: (sale: string, queueNumber: number) => Page | undefined;
  /**
   * The page of a number, made if need be; undefined while all are in use. Only for numbers that were given: anybody may
   * make numbers up.
   */
  get: (sale: string, queueNumber: number) => Page | undefined;
};

export function keepByNumber<Page extends { fill: (value: 0) => unknown }>(
  makePage: () => Page,
  pagesMax: number,
): ByNumber<Page> {
  const sales = new Map<string, Map<number, Page>>();
  const made: { sale: string; index: number }[] = [];
  let next = 0;
  let asked = 0;

  const find = (sale: string, queueNumber: number) =>
    sales.get(sale)?.get(Math.floor(queueNumber / NUMBERS_PER_PAGE));

  /** An empty page: a new one, or one that others give up. */
  const emptyPage = (): Page | undefined => {
    if (made.length < pagesMax) return makePage();
    asked = (asked + 1) % ASKED_PER_EXCHANGE;
    if (asked !== 0) return undefined;
    const { sale, index } = made[next] as { sale: string; index: number };
    const pages = sales.get(sale) as Map<number, Page>;
    const page = pages.get(index) as Page;
    pages.delete(index);
    if (pages.size === 0) sales.delete(sale);
    page.fill(0);
    return page;
  };

  return {
    find,
    get(sale, queueNumber) {
      const known = find(sale, queueNumber);
      if (known) return known;
      const page = emptyPage();
      if (!page) return undefined;
      const index = Math.floor(queueNumber / NUMBERS_PER_PAGE);
      made[next] = { sale, index };
      next = (next + 1) % pagesMax;
      const pages = sales.get(sale) ?? new Map<number, Page>();
      sales.set(sale, pages.set(index, page));
      return page;
    },
  };
}
