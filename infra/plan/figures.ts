/** What one unit of work costs, measured on one machine: docs/capacity.md says which, and by which command each is measured. */
export type Figures = {
  /** Microseconds of processor time of a gateway. */
  gateway: { join: number; poll: number; frame: number; fanInShop: number };
  /** Of a booking service, of PostgreSQL in all, of Redis and of the worker, microseconds for a fan who shops. */
  booking: { fanInShop: number };
  postgres: { fanInShop: number };
  redis: { join: number; fanInShop: number };
  worker: { fanInShop: number };
  /** Bytes, with headers, as they leave a gateway; a page as a cache in front sends it. */
  bytes: { page: number; join: number; poll: number; frame: number; fanInShop: number };
  /** Bytes of Redis' memory, all keys. */
  memory: { waiting: number };
};

/** Two cores, Node 20, Redis 7.0, PostgreSQL 17, everything and the load generator on them. */
export const measured: Figures = {
  gateway: { join: 93, poll: 36, frame: 19, fanInShop: 2_800 },
  booking: { fanInShop: 1_900 },
  postgres: { fanInShop: 3_900 },
  redis: { join: 8, fanInShop: 900 },
  worker: { fanInShop: 2_600 },
  bytes: { page: 3_500, join: 750, poll: 600, frame: 360, fanInShop: 60_000 },
  memory: { waiting: 112 },
};
