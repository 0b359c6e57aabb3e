import type { SaleDefinition } from '#shared/contract/sale.ts';

const ms = (time: string | null): number => (time === null ? 0 : Date.parse(time));

/** Where the organiser named no slowest rate, an adapting one goes no lower than this share of the full one. */
const MIN_RATE_SHARE = 0.1;

/** The settings the scripts read, as field, value, …; 0 stands for a time that is not set. */
export const scriptSettings = (definition: SaleDefinition): (string | number)[] => [
  'opensAt',
  ms(definition.opensAt),
  'lobbyOpensAt',
  ms(definition.lobbyOpensAt),
  'closesAt',
  ms(definition.closesAt),
  'closedAt',
  ms(definition.closedAt),
  'paused',
  definition.paused ? 1 : 0,
  'capacity',
  definition.capacity,
  'admitPerMinute',
  definition.admitPerMinute,
  'adaptive',
  definition.adaptiveRate.enabled ? 1 : 0,
  'minPerMinute',
  definition.adaptiveRate.minPerMinute ?? Math.ceil(definition.admitPerMinute * MIN_RATE_SHARE),
  'claimMs',
  definition.claimSeconds * 1000,
  'admissionMs',
  definition.admissionSeconds * 1000,
  'graceMs',
  definition.graceSeconds * 1000,
  'beacon',
  definition.beacon ? JSON.stringify(definition.beacon) : '',
  'beaconGiven',
  definition.beaconGiven ? JSON.stringify(definition.beaconGiven) : '',
  'beaconFrom',
  ms(definition.beacon?.from ?? null),
  'codeUses',
  definition.accessCodeUses ?? 0,
];
