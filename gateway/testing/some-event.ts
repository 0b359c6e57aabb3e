import { EventAnswer } from '#shared/contract/event.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { newId } from '#shared/ids.ts';
import { rememberFacts } from '../sale/facts.ts';
import type { GatewayFixture } from './gateway-fixture.ts';
import { silentLog } from './queue-fixture.ts';

/** A sale of an event that another gateway has heard of; the booking service is away. */
export async function saleOfSomeEvent(
  g: GatewayFixture,
  settings: Partial<SaleDefinition> = {},
  accessCodes: string[] = [],
): Promise<string> {
  const event = newId();
  const ask = async (): Promise<EventAnswer> => ({
    event,
    name: 'Nora & the Night Trains',
    venue: 'Harbour Hall',
    startsAt: g.inSeconds(86_400),
    timeZone: 'Europe/Berlin',
    sections: [{ name: 'A', rows: 10, seatsPerRow: 10, price: { amount: 6_500, currency: 'EUR' } }],
    seats: 100,
    layoutVersion: 1,
  });
  const facts = { kind: 'event' as const, schema: EventAnswer, ageMsMax: Number.POSITIVE_INFINITY };
  await rememberFacts({ store: g.store, ...facts, ask, askUnknown: ask, log: silentLog }).find(event, {
    exists: true,
  });
  return g.sale({ event, ...settings }, accessCodes);
}
