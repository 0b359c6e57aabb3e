import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { createAdmissionTokenVerifier } from '#shared/admission-token.ts';
import { createGateway } from '../app.ts';
import { bookingCatalogue } from '../booking/catalogue.ts';
import { connectBooking } from '../booking/client.ts';
import { createDoor } from '../door/door.ts';
import { createPulse } from '../door/pulse.ts';
import { watchAccess } from '../limits/access.ts';
import { createDrawing } from '../lobby/draw.ts';
import type { Shop } from '../organiser/commands.ts';
import { readOrganisers } from '../organiser/organisers.ts';
import { readSaleStats } from '../organiser/stats.ts';
import { streamStats } from '../organiser/stats-streams.ts';
import { consoleSessions } from '../pages/console/sessions.ts';
import { saleCookies } from '../queue/credentials.ts';
import { measurePolls } from '../queue/pace.ts';
import { limitPolls } from '../queue/poll-limit.ts';
import { keepPresence } from '../queue/presence.ts';
import type { Queue } from '../queue/status.ts';
import { createTicketMint } from '../queue/ticket.ts';
import { watchQueues } from '../queue/watch.ts';
import { keepMemory } from '../recovery/keep-memory.ts';
import { rememberEvents } from '../sale/events.ts';
import { keepListing } from '../sale/listing.ts';
import { keepSalesInStep } from '../sale/sync.ts';
import { queueFixture, silentLog } from './queue-fixture.ts';
import { testSigningKeys } from './test-keys.ts';

const ticketSecret = 'a-queue-ticket-secret-of-32-characters';
export const organiserKey = 'an-organiser-key-of-thirty-two-chars';
export const internalSecret = 'an-internal-secret-of-32-characters';
export const json = { 'content-type': 'application/json' };
export const organiser = { ...json, authorization: `Bearer ${organiserKey}` };

export type GatewayFixture = Awaited<ReturnType<typeof gatewayFixture>>;

const NOWHERE = 'http://127.0.0.1:9';

/** The whole gateway on a real Redis; the booking service is away, unless somebody answers for it. */
export async function gatewayFixture(
  bookingUrl = NOWHERE,
  env = { TRUSTED_PROXIES: '127.0.0.1', RATE_LIMITS: '' },
) {
  const queue = await queueFixture();
  const { store, now } = queue;
  const keys = await testSigningKeys();
  const booking = connectBooking(bookingUrl, internalSecret);
  const catalogue = bookingCatalogue(booking);
  const drawing = createDrawing(store);
  const memory = await keepMemory(store, null, { drawing, files: null }, silentLog);
  const watch = watchQueues(store, silentLog, memory.guard);
  const presence = keepPresence(store, watch.definitions, silentLog);
  const sync = keepSalesInStep(store, watch, catalogue, silentLog);
  const events = rememberEvents({ store, catalogue, isOnSale: watch.hasSaleOf, log: silentLog });
  const listing = keepListing({ watch, sync, events, clock: now });
  const pulse = createPulse();
  const stats = readSaleStats({ store, stockOf: sync.currentStockOf, door: pulse.lastMinute });
  const streams = streamStats(stats, silentLog);
  const tickets = createTicketMint(ticketSecret);
  const verify = createAdmissionTokenVerifier({
    keys: keys.verificationKeys,
    clock: now,
    toleranceSeconds: 0,
  });
  const deps: Queue = {
    store,
    watch,
    presence,
    tickets,
    load: measurePolls(),
    limit: limitPolls(),
    log: silentLog,
  };
  const shop: Shop = { store, watch, sync, log: silentLog };
  const cookies = saleCookies({ secure: false, secret: ticketSecret });
  const organisers = readOrganisers({ ORGANISER_KEY: organiserKey });
  const publicUrl = 'http://127.0.0.1:3000';
  const sessions = consoleSessions({ secret: ticketSecret, organisers, clock: now, publicUrl });
  const access = watchAccess(env);
  const { count } = access;
  const door = createDoor({
    ...{ store, booking, verify, asyncOrdersFrom: 64, pulse, count, log: silentLog },
    clock: now,
  });
  const app = createGateway({
    queue: deps,
    access,
    keys,
    cookies,
    booking,
    catalogue,
    door,
    sync,
    events,
    listing,
    organiser: {
      shop,
      catalogue,
      organisers,
      tickets,
      stats,
      streams,
    },
    sessions,
    log: silentLog,
    publicUrl,
    unready: () => (watch.isAlive() && sync.isReady() ? null : 'Not yet.'),
    internalSecret,
    development: true,
  });
  return {
    ...queue,
    app,
    /** What the app was made of, for what is answered beside it. */
    queue: deps,
    shop,
    cookies,
    access,
    door,
    verify,
    publicUrl,
    post: (path: string, body: unknown = {}, headers: Record<string, string> = json) =>
      app.request(path, { method: 'POST', body: JSON.stringify(body), headers }),
    organise: (method: string, path: string, body?: object) =>
      app.request(`/api/organiser${path}`, {
        method,
        body: body === undefined ? null : JSON.stringify(body),
        headers: organiser,
      }),
    inSeconds: (seconds: number) => new Date(now() + seconds * 1000).toISOString(),
    close: async () => {
      await streams.stop();
      await Promise.all([presence.stop(), listing.stop(), sync.stop(), watch.stop()]);
      await memory.stop();
      await drawing.stop();
      await booking.close();
      await queue.close();
    },
  };
}

/** One in front of a booking service that answers as a test says, until that test is over. */
export async function gatewayBefore(shopAnswers: RequestListener): Promise<GatewayFixture> {
  const shop = createServer(shopAnswers);
  await once(shop.listen(0, '127.0.0.1'), 'listening');
  const gateway = await gatewayFixture(`http://127.0.0.1:${(shop.address() as AddressInfo).port}`);
  onTestFinished(async () => {
    await gateway.close();
    shop.closeAllConnections();
    shop.close();
  });
  return gateway;
}

/** The problem document of an answer that must be one. */
export async function problem(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  const answered = await response;
  expect(answered.headers.get('content-type')).toBe('application/problem+json');
  const document = (await answered.json()) as Record<string, unknown>;
  expect(document).toMatchObject({ status: answered.status, type: `urn:admit-one:problem:${document.code}` });
  return document;
}
