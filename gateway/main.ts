import { hostname } from 'node:os';
import { z } from 'zod';
import { createAdmissionTokenVerifier } from '#shared/admission-token.ts';
import { systemClock } from '#shared/clock.ts';
import { envVariables, readEnv } from '#shared/env.ts';
import { createLog } from '#shared/log.ts';
import { DRAINING, runUntilStopped } from '#shared/main.ts';
import { exposeMetrics } from '#shared/metrics/expose.ts';
import { serve } from '#shared/serve.ts';
import { checkSigningKeys, loadSigningKeys } from './admission/signing-keys.ts';
import { giveTurns, keepGivingTurns } from './admission/turn-giver.ts';
import { createGateway } from './app.ts';
import { bookingCatalogue } from './booking/catalogue.ts';
import { connectBooking } from './booking/client.ts';
import { createDoor } from './door/door.ts';
import { safetyHeaders } from './door/origin.ts';
import { createPulse } from './door/pulse.ts';
import { answerShoppers } from './door/shop-branch.ts';
import { watchAccess } from './limits/access.ts';
import { createDrawing } from './lobby/draw.ts';
import { countQueues } from './metrics.ts';
import { beaconAsker } from './organiser/draw-commands.ts';
import { readOrganisers } from './organiser/organisers.ts';
import { readSaleStats } from './organiser/stats.ts';
import { streamStats } from './organiser/stats-streams.ts';
import { consoleSessions } from './pages/console/sessions.ts';
import { saleCookies } from './queue/credentials.ts';
import { keepMeasuring } from './queue/forecast.ts';
import { answerJoins } from './queue/join-branch.ts';
import { measurePolls } from './queue/pace.ts';
import { answerPolls } from './queue/poll-branch.ts';
import { limitPolls, unlimitedPolls } from './queue/poll-limit.ts';
import { keepPresence } from './queue/presence.ts';
import { answerStreams } from './queue/stream-branch.ts';
import { streamStatuses } from './queue/streams.ts';
import { createTicketMint } from './queue/ticket.ts';
import { watchQueues } from './queue/watch.ts';
import { keepMemory } from './recovery/keep-memory.ts';
import { lobbyFiles } from './recovery/lobby-files.ts';
import { memoryFiles } from './recovery/memory-files.ts';
import { keepEndingTheSilent } from './recovery/silent-rooms.ts';
import { connectRedis } from './redis/client.ts';
import { refuseForgetfulRedis } from './redis/durable.ts';
import { createHeard } from './redis/heard.ts';
import type { Store } from './redis/script.ts';
import { rememberEvents } from './sale/events.ts';
import { keepListing } from './sale/listing.ts';
import { keepOpening } from './sale/opening.ts';
import { keepSalesInStep } from './sale/sync.ts';

const { NODE_ENV, LOG_LEVEL, HOST, PORT, PUBLIC_URL, BOOKING_URL, REDIS_URL, SMTP_URL } = envVariables;
const { SIGNING_KEYS, QUEUE_TICKET_SECRET, INTERNAL_SECRET, ORGANISER_KEY, ORGANISER_KEYS } = envVariables;
const { TRUSTED_PROXIES, RATE_LIMITS } = envVariables;
const { ASYNC_ORDERS_FROM, DATA_DIR, METRICS_PORT, METRICS_HOST, DRAIN_SECONDS } = envVariables;

const GatewayEnv = z.object({
  NODE_ENV,
  LOG_LEVEL,
  HOST,
  PORT,
  PUBLIC_URL,
  BOOKING_URL,
  REDIS_URL,
  SMTP_URL,
  SIGNING_KEYS,
  QUEUE_TICKET_SECRET,
  INTERNAL_SECRET,
  ORGANISER_KEY,
  ORGANISER_KEYS,
  ASYNC_ORDERS_FROM,
  TRUSTED_PROXIES,
  RATE_LIMITS,
  DATA_DIR,
  METRICS_PORT,
  METRICS_HOST,
  DRAIN_SECONDS,
});

await runUntilStopped(async (life) => {
  const env = readEnv(GatewayEnv, [checkSigningKeys, readOrganisers, watchAccess]);
  life.goBy(env);
  const log = createLog('gateway', env.LOG_LEVEL);
  const keys = await loadSigningKeys(env.SIGNING_KEYS);
  const organisers = readOrganisers(env);
  const access = watchAccess(env);
  const redis = await connectRedis(env.REDIS_URL, log);
  if (env.NODE_ENV === 'production') {
    await life.insistOn(
      () => refuseForgetfulRedis(redis),
      (error) => log.warn({ err: error }, 'Redis could not be judged yet'),
    );
  }
  const store: Store = { redis, time: () => null, heard: createHeard() };
  const booking = connectBooking(env.BOOKING_URL, env.INTERNAL_SECRET);
  const catalogue = bookingCatalogue(booking);

  const gateway = `${hostname()} ${env.HOST} ${env.PORT}`;
  const drawing = createDrawing(store);
  const files = memoryFiles(env.DATA_DIR, gateway, log);
  const lobbies = { drawing, files: lobbyFiles(env.DATA_DIR, gateway, log) };
  const memory = await keepMemory(store, files, lobbies, log);
  const watch = watchQueues(store, log, memory.guard);
  const presence = keepPresence(store, watch.definitions, log);
  const sync = keepSalesInStep(store, watch, catalogue, log);
  const pulse = createPulse();
  const stopTurns = keepGivingTurns(store, watch, { answered: pulse.sinceStart, seatsOf: sync.seatsOf }, log);
  const stopEnding = keepEndingTheSilent(store, watch, catalogue.extendedHolds, log);
  const stopMeasuring = keepMeasuring(store, watch, log);
  const shop = { store, watch, sync, log };
  const stopOpening = keepOpening({
    store,
    watch,
    drawing,
    giveTurns: (sale) => giveTurns(store, sale),
    askBeacon: beaconAsker(shop),
    log,
  });

  const events = rememberEvents({ store, catalogue, isOnSale: watch.hasSaleOf, log });
  const listing = keepListing({ watch, sync, events, clock: systemClock });

  const stats = readSaleStats({ store, stockOf: sync.currentStockOf, door: pulse.lastMinute });
  const streams = streamStats(stats, log);

  const tickets = createTicketMint(env.QUEUE_TICKET_SECRET);
  const verify = createAdmissionTokenVerifier({
    keys: keys.verificationKeys,
    clock: systemClock,
    toleranceSeconds: 0,
  });
  const queue = {
    store,
    watch,
    presence,
    tickets,
    load: measurePolls(),
    limit: env.RATE_LIMITS === 'off' ? unlimitedPolls : limitPolls(),
    log,
  };
  const fanStreams = streamStatuses(queue, log);
  const cookies = saleCookies({
    secure: env.PUBLIC_URL.startsWith('https:'),
    secret: env.QUEUE_TICKET_SECRET,
  });
  const { count } = access;
  const door = createDoor({
    ...{ store, booking, verify, pulse, count, log },
    asyncOrdersFrom: env.ASYNC_ORDERS_FROM,
  });
  const unready = () => {
    if (life.isDraining()) return DRAINING;
    if (!watch.isAlive()) return 'Redis is away.';
    return sync.isReady() ? null : 'The sales are not known yet.';
  };
  const app = createGateway({
    queue,
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
    sessions: consoleSessions({
      secret: env.QUEUE_TICKET_SECRET,
      organisers,
      clock: systemClock,
      publicUrl: env.PUBLIC_URL,
    }),
    log,
    publicUrl: env.PUBLIC_URL,
    internalSecret: env.INTERNAL_SECRET,
    unready,
    development: env.NODE_ENV !== 'production' && env.SMTP_URL === undefined,
  });
  const server = await serve(app, {
    host: env.HOST,
    port: env.PORT,
    ahead: [
      answerPolls(queue, cookies),
      answerJoins({ queue, cookies, access, publicUrl: env.PUBLIC_URL, log }),
      answerStreams(queue, cookies, fanStreams),
      answerShoppers({ door, cookies, verify, publicUrl: env.PUBLIC_URL, failed: access.failedAhead, log }),
    ],
    headers: safetyHeaders(env.PUBLIC_URL),
    believesRequestId: access.isFromTrustedProxy,
    isDraining: life.isDraining,
    log,
  });
  countQueues({ watch, door, fanStreams, statsStreams: streams });
  const stopMetrics = await exposeMetrics({ host: env.METRICS_HOST, port: env.METRICS_PORT, unready, log });
  log.info({ url: server.url }, 'the gateway is listening');

  return [
    // Streams would keep the server from closing.
    fanStreams.stop,
    streams.stop,
    server.close,
    stopTurns,
    stopEnding,
    stopMeasuring,
    drawing.stop,
    stopOpening,
    presence.stop,
    listing.stop,
    sync.stop,
    watch.stop,
    memory.stop,
    booking.close,
    async () => redis.disconnect(),
    stopMetrics,
  ];
});
