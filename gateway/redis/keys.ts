/**
 * Every key of a sale carries the hash tag `{sale}`, so that all of them live in one slot of a Redis Cluster and one
 * script can change them together. The order is the order in which redis/prelude/call.lua names them.
 */
const names = [
  'sale',
  'queue',
  'waiting',
  'waiting-bits',
  'ready',
  'blocked',
  'returning',
  'admitted',
  'entries',
  'lobby',
  'frozen',
  'draw',
  'drawn',
  'turns',
  'unsaved',
  'seen-1',
  'seen-2',
  'seen-3',
  'seen-4',
  'absent',
  'scratch',
  'joins',
  'codes',
  'code-of',
  'code-missed',
  'holding',
  'holding-since',
  'called',
  'forecasts',
  'measures',
  'states',
  'lobby-left',
  'lobby-gone',
  'code-log',
  'silent',
  'holds-unknown',
] as const;

export type SaleKeyName = (typeof names)[number];

export const saleKey = (sale: string, name: SaleKeyName): string => `admit-one:{${sale}}:${name}`;

export const saleKeys = (sale: string): string[] => names.map((name) => saleKey(sale, name));

/** The ids of all sales that are live in this Redis. */
export const salesKey = 'admit-one:sales';

/** What the booking service said about an event or a layout, and who is asking it again: one slot each. */
export const factKeys = (kind: string, key: string): [fact: string, asked: string] => [
  `admit-one:{${kind}/${key}}:fact`,
  `admit-one:{${kind}/${key}}:asked`,
];

/** The seats of all sales, as a gateway last heard of them. */
export const stockKey = 'admit-one:stock';
