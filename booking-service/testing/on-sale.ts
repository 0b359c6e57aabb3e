import { startBooking, type TestBooking, type TestSection } from './booking.ts';

/** A booking service with one event of these sections, and one sale of all of it. */
export async function startSelling(
  sections: TestSection[],
  settings: Record<string, unknown>,
  options: Parameters<typeof startBooking>[0] = {},
): Promise<{ booking: TestBooking; sale: string }> {
  const booking = await startBooking(options);
  const { event } = await booking.makeEvent(sections);
  const { sale } = await booking.makeSale(event, settings);
  return { booking, sale };
}
