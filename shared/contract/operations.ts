import { z } from 'zod';
import type { ProblemCode } from '../problem.ts';
import {
  CompactSeatsAnswer,
  HoldAnswer,
  HoldRequest,
  HoldsAnswer,
  OrderAnswer,
  OrderCreatedAnswer,
  OrderRequest,
  OrdersAnswer,
  OrderTakenAnswer,
  SeatChangesAnswer,
  SeatsAnswer,
  SeatsQuery,
  SeatsSinceQuery,
} from './booking.ts';
import { EventAnswer, EventRequest, LayoutAnswer } from './event.ts';
import { IdempotencyKey } from './fields.ts';
import {
  AuditAnswer,
  BlockAnswer,
  BlockRequest,
  DeadLettersAnswer,
  OrderListAnswer,
  OrderListQuery,
  OrganiserOrder,
  PageQuery,
  RefundRequest,
  ResendAnswer,
  ResendRequest,
} from './organiser.ts';
import { ClaimAnswer, DrawAnswer, JoinAnswer, JoinRequest, StatusAnswer } from './queue.ts';
import {
  BeaconRequest,
  CommandRequest,
  EventsAnswer,
  EventWithSalesAnswer,
  OrganiserSaleAnswer,
  SaleAnswer,
  SalePatch,
  SaleRequest,
  saleCommands,
  WithoutBeaconRequest,
} from './sale.ts';

import { StatsAnswer } from './stats.ts';

export type Operation = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** In OpenAPI's form, `{sale}`. */
  path: string;
  summary: string;
  credential: 'none' | 'queueTicket' | 'admissionToken' | 'organiserKey';
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** By status; null for an answer without a body, a string for another media type than JSON. */
  answers: Record<number, z.ZodType | string | null>;
  codes: ProblemCode[];
};

const optionalKey = z.object({ 'idempotency-key': IdempotencyKey.optional() });
const requiredKey = z.object({ 'idempotency-key': IdempotencyKey });
const html = 'text/html';
const calendar = 'text/calendar';
const body: ProblemCode[] = ['malformed-request', 'too-large', 'unsupported-media-type', 'invalid-field'];
const admitted: ProblemCode[] = [
  'gate-required',
  'token-invalid',
  'not-found',
  'already-finished',
  'rate-limited',
  'unavailable',
];
const organising: ProblemCode[] = [
  'organiser-required',
  'forbidden',
  'not-found',
  'rate-limited',
  'unavailable',
];

type Rest = Partial<Operation> & Pick<Operation, 'answers'>;
const operation =
  (credential: Operation['credential'], always: ProblemCode[]) =>
  (method: Operation['method'], path: string, summary: string, { codes = [], ...rest }: Rest): Operation => ({
    method,
    path,
    summary,
    credential,
    codes: [...new Set([...always, ...(rest.body ? body : []), ...codes])],
    ...rest,
  });

const open = operation('none', []);
const queue = operation('queueTicket', [
  'gate-required',
  'token-invalid',
  'not-found',
  'rate-limited',
  'unavailable',
]);
const shop = operation('admissionToken', admitted);
const organiser = operation('organiserKey', organising);

const sale = '/api/sales/{sale}';

/** Every request of the contract. The routes are compared with this table by a test. */
export const operations: Operation[] = [
  open('get', '/livez', 'Is the process alive?', { answers: { 200: z.object({ status: z.string() }) } }),
  open('get', '/readyz', 'Can it serve?', {
    answers: { 200: z.object({ status: z.string() }) },
    codes: ['unavailable'],
  }),
  open('get', '/openapi.json', 'This document', { answers: { 200: z.object({}), 304: null } }),
  open('get', '/.well-known/jwks.json', 'The public keys of admission tokens (RFC 7517)', {
    answers: { 200: z.object({ keys: z.array(z.record(z.string(), z.string())) }) },
  }),

  open('get', '/api/events', 'What is or will be on sale', {
    answers: { 200: EventsAnswer, 304: null },
    codes: ['unavailable'],
  }),
  open('get', '/api/events/{event}', 'An event: facts, prices, sales', {
    answers: { 200: EventWithSalesAnswer, 304: null },
    codes: ['not-found', 'unavailable'],
  }),
  open('get', '/api/events/{event}/layout/{version}', 'The immutable arrangement of its seats', {
    answers: { 200: LayoutAnswer, 304: null },
    codes: ['not-found', 'unavailable'],
  }),
  open('get', sale, 'A sale, the same for everyone', {
    answers: { 200: SaleAnswer },
    codes: ['not-found', 'unavailable'],
  }),
  open('get', `${sale}/draw`, 'The draw and its proof', {
    answers: { 200: DrawAnswer, 304: null },
    codes: ['not-found', 'unavailable'],
  }),

  open('post', `${sale}/queue`, 'Join the queue, or get the place one has', {
    headers: optionalKey,
    body: JoinRequest,
    answers: { 201: JoinAnswer, 200: JoinAnswer },
    codes: [
      'token-invalid',
      'not-found',
      'not-open',
      'already-finished',
      'sale-ended',
      'forbidden',
      'rate-limited',
      'unavailable',
    ],
  }),
  queue('get', `${sale}/queue/me`, 'Where one stands', {
    query: z.object({ version: z.int().min(0).optional() }),
    answers: { 200: StatusAnswer },
    codes: ['invalid-field', 'rate-limited'],
  }),
  queue('get', `${sale}/queue/stream`, 'The same as server-sent events, when it changes (HTML, 9.2)', {
    query: z.object({ version: z.int().min(0).optional() }),
    headers: z.object({
      'last-event-id': z
        .string()
        .optional()
        .describe('Of the event seen last: nothing older is sent. 204 where that was the end.'),
    }),
    answers: { 200: 'text/event-stream', 204: null },
    codes: ['malformed-request', 'invalid-field', 'rate-limited'],
  }),
  queue('delete', `${sale}/queue/me`, 'Leave', { answers: { 204: null }, codes: ['forbidden'] }),
  queue('post', `${sale}/queue/me/claim`, 'Claim one’s turn', {
    answers: { 200: ClaimAnswer },
    codes: ['not-your-turn', 'shop-full', 'already-finished', 'turn-missed', 'sale-ended', 'forbidden'],
  }),

  shop('get', `${sale}/seats`, 'Seats: compact without a query, as a list with one', {
    query: SeatsQuery.extend(SeatsSinceQuery.partial().shape),
    answers: { 200: z.union([SeatsAnswer, CompactSeatsAnswer, SeatChangesAnswer]), 304: null },
    codes: ['invalid-field'],
  }),
  shop('post', `${sale}/holds`, 'Hold seats, all or none', {
    headers: optionalKey,
    body: HoldRequest,
    answers: { 201: HoldAnswer },
    codes: ['seats-taken', 'limit-reached', 'idempotency-mismatch', 'forbidden'],
  }),
  shop('get', `${sale}/holds`, 'One’s own live holds', { answers: { 200: HoldsAnswer } }),
  shop('delete', `${sale}/holds/{hold}`, 'Give seats back', {
    answers: { 204: null },
    codes: ['in-progress', 'forbidden'],
  }),
  shop('post', `${sale}/orders`, 'Pay for held seats', {
    headers: requiredKey.extend({
      prefer: z.string().optional().describe('`respond-async`: taken at once, booked by and by (RFC 7240).'),
    }),
    body: OrderRequest,
    answers: { 201: OrderCreatedAnswer, 202: OrderTakenAnswer },
    codes: [
      'payment-declined',
      'hold-lost',
      'in-progress',
      'limit-reached',
      'idempotency-mismatch',
      'forbidden',
    ],
  }),
  shop('get', `${sale}/orders`, 'One’s own orders', { answers: { 200: OrdersAnswer } }),
  shop('get', `${sale}/orders/{order}`, 'One of one’s own orders', { answers: { 200: OrderAnswer } }),

  organiser('get', '/api/organiser/events', 'All events', {
    answers: { 200: z.object({ events: z.array(EventAnswer) }) },
  }),
  organiser('post', '/api/organiser/events', 'Make an event', {
    body: EventRequest,
    answers: { 201: EventAnswer },
  }),
  organiser('post', '/api/organiser/events/{event}/sales', 'Make a sale of an event', {
    body: SaleRequest,
    answers: { 201: OrganiserSaleAnswer },
  }),
  organiser('get', '/api/organiser/sales', 'All sales', {
    answers: { 200: z.object({ sales: z.array(OrganiserSaleAnswer) }) },
  }),
  organiser('get', '/api/organiser/sales/{sale}', 'A sale: definition, settings, state', {
    answers: { 200: OrganiserSaleAnswer },
  }),
  organiser('patch', '/api/organiser/sales/{sale}', 'Change settings', {
    body: SalePatch,
    answers: { 200: OrganiserSaleAnswer },
    codes: ['version-conflict'],
  }),
  ...saleCommands.map((command) =>
    organiser('post', `/api/organiser/sales/{sale}/${command}`, `${command} a sale, at once`, {
      body: CommandRequest,
      answers: { 200: OrganiserSaleAnswer },
      codes: ['sale-ended', 'version-conflict'],
    }),
  ),

  organiser('post', '/api/organiser/sales/{sale}/draw/beacon', 'Give the draw the beacon that was named', {
    body: BeaconRequest,
    answers: { 200: OrganiserSaleAnswer },
    codes: ['beacon-not-due', 'beacon-too-late', 'beacon-given', 'version-conflict'],
  }),
  organiser(
    'post',
    '/api/organiser/sales/{sale}/draw/without-beacon',
    'Draw without the beacon that was named',
    {
      body: WithoutBeaconRequest,
      answers: { 200: OrganiserSaleAnswer },
      codes: ['beacon-not-due', 'beacon-given', 'version-conflict'],
    },
  ),

  organiser('get', '/api/organiser/sales/{sale}/stats', 'Live figures of a sale', {
    answers: { 200: StatsAnswer },
  }),
  organiser('get', '/api/organiser/sales/{sale}/stats/stream', 'The same whenever they change', {
    headers: z.object({ 'last-event-id': z.string().optional() }),
    answers: { 200: 'text/event-stream' },
  }),
  organiser('get', '/api/organiser/sales/{sale}/orders', 'Its orders, the newest first', {
    query: OrderListQuery,
    answers: { 200: OrderListAnswer },
    codes: ['invalid-field'],
  }),
  organiser('get', '/api/organiser/sales/{sale}/orders.csv', 'All its orders as CSV (RFC 4180)', {
    answers: { 200: 'text/csv' },
  }),
  organiser('get', '/api/organiser/sales/{sale}/audit', 'Who did what, when and why, the newest first', {
    query: PageQuery,
    answers: { 200: AuditAnswer },
    codes: ['invalid-field'],
  }),
  organiser('post', '/api/organiser/seats/block', 'Take open seats off sale, all or none', {
    body: BlockRequest,
    answers: { 200: BlockAnswer },
    codes: ['seats-taken'],
  }),
  organiser('post', '/api/organiser/seats/unblock', 'Put blocked seats back on sale', {
    body: BlockRequest,
    answers: { 200: BlockAnswer },
  }),
  organiser('post', '/api/organiser/orders/{order}/refund', 'Refund a confirmed order', {
    body: RefundRequest,
    answers: { 200: OrganiserOrder },
    codes: ['in-progress', 'not-refundable'],
  }),
  organiser('get', '/api/organiser/mail/dead', 'Messages that could not be delivered, the newest first', {
    query: PageQuery,
    answers: { 200: DeadLettersAnswer },
    codes: ['invalid-field'],
  }),
  organiser('post', '/api/organiser/mail/{message}/resend', 'Deliver a dead letter with fresh attempts', {
    body: ResendRequest,
    answers: { 200: ResendAnswer },
  }),

  open('get', '/', 'Page: what is or will be on sale', {
    answers: { 200: html, 304: null },
    codes: ['unavailable'],
  }),
  open('get', '/events/{event}', 'Page: an event and its sales', {
    answers: { 200: html, 304: null },
    codes: ['not-found', 'unavailable'],
  }),
  open('get', '/sales/{sale}', 'Page: the queue, the same bytes for everybody', {
    answers: { 200: html, 304: null },
    codes: ['not-found', 'unavailable'],
  }),
  open('get', '/sales/{sale}/place', 'Page: the own place in the queue, without a script too', {
    answers: { 200: html },
    codes: ['not-found'],
  }),
  open('get', '/sales/{sale}/draw', 'Page: the draw and its proof', {
    answers: { 200: html },
    codes: ['not-found'],
  }),
  open('get', '/sales/{sale}/seats', 'Page: the shop', {
    answers: { 200: html, 303: null },
    codes: ['not-found'],
  }),
  open('get', '/sales/{sale}/orders/{order}', 'Page: an order', {
    answers: { 200: html, 303: null },
    codes: ['not-found'],
  }),
  open('get', '/sales/{sale}/orders/{order}/calendar.ics', 'An order’s concert for a calendar (RFC 5545)', {
    answers: { 200: calendar, 303: null },
    codes: ['not-found'],
  }),
];
