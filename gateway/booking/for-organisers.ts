import type {
  AuditPage,
  BlockAnswer,
  BlockCommand,
  BlockRequest,
  DeadLettersAnswer,
  OrderListAnswer,
  OrderListQuery,
  OrganiserOrder,
  PageQuery,
  ResendAnswer,
} from '#shared/contract/organiser.ts';
import { internalHeaders } from '#shared/internal.ts';
import type { BookingClient } from './client.ts';

/** In whose name something is done; percent-encoded, for a header carries no more than ASCII. */
export const inNameOf = (organiser: string) => ({
  headers: { [internalHeaders.organiser]: encodeURIComponent(organiser) },
});

/** What organisers ask of the booking service about seats, orders, mail and what was done, by name. */
export const bookingForOrganisers = (booking: BookingClient) => ({
  orders: (sale: string, query: OrderListQuery) =>
    booking.call<OrderListAnswer>({
      method: 'GET',
      path: `/internal/sales/${sale}/orders${searchOf(query)}`,
    }),
  audit: (sale: string, query: PageQuery) =>
    booking.call<AuditPage>({ method: 'GET', path: `/internal/sales/${sale}/audit${searchOf(query)}` }),
  block: (command: BlockCommand, { event, ...json }: BlockRequest, organiser: string) =>
    booking.call<BlockAnswer>({
      method: 'POST',
      path: `/internal/events/${event}/seats/${command}`,
      json,
      ...inNameOf(organiser),
    }),
  refund: (order: string, json: { reason: string }, organiser: string) =>
    booking.call<OrganiserOrder>({
      method: 'POST',
      path: `/internal/orders/${order}/refund`,
      json,
      ...inNameOf(organiser),
    }),
  deadLetters: (query: PageQuery) =>
    booking.call<DeadLettersAnswer>({ method: 'GET', path: `/internal/mail/dead${searchOf(query)}` }),
  resend: (message: string, json: { reason?: string | undefined }, organiser: string) =>
    booking.call<ResendAnswer>({
      method: 'POST',
      path: `/internal/mail/${message}/resend`,
      json,
      ...inNameOf(organiser),
    }),
});

const searchOf = (query: Record<string, string | number | undefined>): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `?${search}`;
};
