import { SaleRequest } from '#shared/contract/sale.ts';
import { validate } from '#shared/json-body.ts';
import { wholeNumber } from './context.ts';
import { momentAt } from './zoned-time.ts';

export const saleFields = [
  ...(['name', 'opensAt', 'lobbyOpensAt', 'closesAt', 'capacity', 'admitPerMinute', 'seatsPerFan'] as const),
  ...([
    'claimSeconds',
    'admissionSeconds',
    'holdSeconds',
    'graceSeconds',
    'accessCodes',
    'accessCodeUses',
  ] as const),
  ...(['beaconName', 'beaconRule', 'beaconFrom', 'beaconUrl', 'beaconField'] as const),
];
export type SaleField = (typeof saleFields)[number];

/** A sale as somebody wrote it so far, all of it as text. */
export type WrittenSale = Record<SaleField, string> & { sections: string[] };

/** What the contract takes when nothing is said, so that a person sees it. */
const { data: byDefault } = SaleRequest.safeParse({
  ...{ name: 'x', opensAt: '2031-01-01T00:00:00Z', capacity: 1, admitPerMinute: 1 },
});

export const emptySale = (): WrittenSale => ({
  ...(Object.fromEntries(saleFields.map((field) => [field, ''])) as Record<SaleField, string>),
  ...{ capacity: '500', admitPerMinute: '600' },
  seatsPerFan: String(byDefault?.seatsPerFan),
  claimSeconds: String(byDefault?.claimSeconds),
  admissionSeconds: String(byDefault?.admissionSeconds),
  holdSeconds: String(byDefault?.holdSeconds),
  graceSeconds: String(byDefault?.graceSeconds),
  sections: [],
});

export const readSaleForm = (form: URLSearchParams): WrittenSale => ({
  ...(Object.fromEntries(saleFields.map((field) => [field, form.get(field) ?? ''])) as Record<
    SaleField,
    string
  >),
  sections: form.getAll('sections'),
});

/** The sale that was written, its times at the venue's clock. Throws `invalid-field`. */
export function saleRequestOf(sale: WrittenSale, timeZone: string): SaleRequest {
  const text = (field: SaleField) => sale[field].trim();
  const moment = (field: SaleField) => (text(field) === '' ? null : (momentAt(text(field), timeZone) ?? ''));
  const hasBeacon = (['beaconName', 'beaconRule', 'beaconFrom', 'beaconUrl', 'beaconField'] as const).some(
    (field) => text(field) !== '',
  );
  const codes = text('accessCodes')
    .split(/[\s,;]+/)
    .filter((code) => code !== '');
  const number = (field: SaleField) => wholeNumber(text(field));
  return validate(SaleRequest, {
    ...{ name: text('name'), opensAt: moment('opensAt') ?? '' },
    ...{ lobbyOpensAt: moment('lobbyOpensAt'), closesAt: moment('closesAt') },
    ...{ capacity: number('capacity'), admitPerMinute: number('admitPerMinute') },
    ...{ seatsPerFan: number('seatsPerFan'), claimSeconds: number('claimSeconds') },
    ...{ admissionSeconds: number('admissionSeconds'), holdSeconds: number('holdSeconds') },
    graceSeconds: number('graceSeconds'),
    ...(sale.sections.length > 0 ? { sections: sale.sections } : {}),
    ...(codes.length > 0 ? { accessCodes: codes } : {}),
    ...(text('accessCodeUses') ? { accessCodeUses: number('accessCodeUses') } : {}),
    beacon: hasBeacon
      ? {
          ...{ name: text('beaconName'), rule: text('beaconRule'), from: moment('beaconFrom') ?? '' },
          ...{ url: text('beaconUrl') || null, field: text('beaconField') || null },
        }
      : null,
  });
}

/** Where in the form a fault of the request belongs. */
export function placeOfSaleFault(field: string): string {
  const [first = '', second] = field.split('.');
  if (first !== 'beacon') return first;
  return second ? `beacon${second[0]?.toUpperCase()}${second.slice(1)}` : 'beaconFrom';
}
