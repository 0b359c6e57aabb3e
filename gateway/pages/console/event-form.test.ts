import { expect, test } from 'vitest';
import type { FieldError, Problem } from '#shared/problem.ts';
import { emptyEvent, eventRequestOf, placeOfFault, readEventForm, type WrittenEvent } from './event-form.ts';

const section = { name: 'Stalls', rows: '2', seatsPerRow: '4', price: '65', accessible: '', companions: '' };
const nothing = { name: '', rows: '', seatsPerRow: '', price: '', accessible: '', companions: '' };
const event: WrittenEvent = {
  ...{
    name: 'Nora',
    venue: 'Hall',
    startsAt: '2031-06-14T20:00',
    timeZone: 'Europe/Berlin',
    currency: 'EUR',
  },
  sections: [nothing, section],
};

const faultsOf = (written: WrittenEvent): string[] => {
  try {
    eventRequestOf(written);
    return [];
  } catch (error) {
    const errors = (error as Problem).extra.errors as FieldError[];
    return errors.map(({ field }) => placeOfFault(field, written));
  }
};

test.each([
  ['65', 'EUR', 6_500],
  ['65.5', 'EUR', 6_550],
  ['65,05', 'EUR', 6_505],
  ['6500', 'JPY', 6_500],
  ['6.505', 'KWD', 6_505],
  ['0', 'EUR', 0],
])('a price of %s %s is %i of the smallest unit', (price, currency, amount) => {
  const { sections } = eventRequestOf({ ...event, currency, sections: [{ ...section, price }] });
  expect(sections[0]?.price).toEqual({ amount, currency });
});

test.each(['65.005', '65.0.0', '-1', '1e3', 'dear', ''])('%s is no price in euros', (price) => {
  expect(faultsOf({ ...event, sections: [{ ...section, price }] })).toContain('section-0-price');
});

test('a section without a word is left out, and faults are told at the section that has them', () => {
  expect(eventRequestOf(event).sections).toHaveLength(1);
  const broken = { ...section, rows: 'many', companions: '1-2, 9-9' };
  expect(faultsOf({ ...event, timeZone: 'Berlin', sections: [nothing, broken] }).sort()).toEqual([
    ...['section-1-rows', 'startsAt', 'timeZone'],
  ]);
  expect(faultsOf({ ...event, sections: [nothing, { ...section, companions: '1-2, 9-9' }] })).toEqual([
    'section-1-companions',
  ]);
  expect(faultsOf({ ...event, sections: [nothing] })).toEqual(['sections']);
});

test('a section is added and taken away, and nothing that was written is lost by it', () => {
  const form = new URLSearchParams({
    name: ' Nora ',
    sections: '2',
    'section-0-name': 'A',
    'section-1-name': 'B',
  });
  const names = (look: string) => readEventForm(form, look).sections.map(({ name }) => name);
  expect(names('add')).toEqual(['A', 'B', '']);
  expect(names('remove-0')).toEqual(['B']);
  expect(names('preview')).toEqual(['A', 'B']);
  expect(readEventForm(form, 'add').name).toBe(' Nora ');
  expect(emptyEvent().sections).toHaveLength(3);
});
