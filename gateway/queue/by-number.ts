/** Queue numbers in one page. */
export const NUMBERS_PER_PAGE = 1_024;

/**
 * What a process keeps for each queue number, in pages of NUMBERS_PER_PAGE, at most `pagesMax` of them: beyond that the
 * page that was made first is dropped. For things that may be forgotten.
 */
export type ByNumber<Page> = {
  /** The page of a number, or undefined while there is none. */
  find: (sale: string, queueNumber: number) => Page | undefined;
  /** The page of a number, made if need be. Only for numbers that were given: anybody may make numbers up. */
  get: (sale: string, queueNumber: number) => Page;
};

export function keepByNumber<Page>(makePage: () => Page, pagesMax: number): ByNumber<Page> {
  const sales = new Map<string, Map<number, Page>>();
  const made: { sale: string; index: number }[] = [];
  let oldest = 0;

  const dropOldest = () => {
    const { sale, index } = made[oldest] as { sale: string; index: number };
    const pages = sales.get(sale);
    pages?.delete(index);
    if (pages?.size === 0) sales.delete(sale);
  };

  const find = (sale: string, queueNumber: number) =>
    sales.get(sale)?.get(Math.floor(queueNumber / NUMBERS_PER_PAGE));

  return {
    find,
    get(sale, queueNumber) {
      const known = find(sale, queueNumber);
      if (known) return known;
      const index = Math.floor(queueNumber / NUMBERS_PER_PAGE);
      if (made.length === pagesMax) dropOldest();
      made[oldest] = { sale, index };
      oldest = (oldest + 1) % pagesMax;
      const page = makePage();
      const pages = sales.get(sale) ?? new Map<number, Page>();
      sales.set(sale, pages.set(index, page));
      return page;
    },
  };
}
