import { createLocalJWKSet } from 'jose';
import { systemClock } from '#shared/clock.ts';
import type { EventAnswer } from '#shared/contract/event.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { newId } from '#shared/ids.ts';
import { internalHeaders } from '#shared/internal.ts';
import { createLog } from '#shared/log.ts';
import { testDatabase, testRedis } from '../../infra/testing/stores.ts';
import { createApp } from '../app.ts';
import { createDb } from '../db/client.ts';
import type { Pooling } from '../db/session.ts';
import { createOrderQueue } from '../intake/queue.ts';
import { createInventory } from '../inventory/inventory.ts';
import { createTestProvider } from '../payment/test-provider.ts';
import { admissionClaims, createSigner } from './signer.ts';

export const internalSecret = 'a secret of the tests that is long enough';
/** In whose name the organiser's requests of `internal` are made. */
export const organiserName = 'tester';
const SLOW_PAYMENT_MS = 50;
const ORDERS_WAITING_MAX = 20;

export type Answer<Body = Record<string, unknown>> = { status: number; headers: Headers; body: Body };
/** `app`: another process of the service, on the same database. */
type RequestOptions = {
  json?: unknown;
  body?: string;
  headers?: Record<string, string>;
  app?: ReturnType<typeof createApp>['app'];
};

export type TestSection = {
  name: string;
  rows: number;
  seatsPerRow: number;
  amount: number;
  accessible?: string[];
  companions?: string[];
};

/** A fan with an admission: what the door would let through, with the door's headers. */
export type TestFan = {
  id: string;
  token: string;
  request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>;
};

export type TestBooking = Awaited<ReturnType<typeof startBooking>>;

/**
 * The booking service on a database of its own, as the gateway sees it. `isOneByOne`: each request is a call of its own.
 * `databaseUrl`: a migrated database of the caller's instead, on a server that may be taken away, or behind a pooler (`pooling`).
 */
export async function startBooking({
  isOneByOne = false,
  databaseUrl,
  pooling = {},
}: {
  isOneByOne?: boolean;
  databaseUrl?: string;
  pooling?: Pooling;
} = {}) {
  const given = databaseUrl === undefined ? null : { url: databaseUrl, drop: async () => undefined };
  const [database, redis] = await Promise.all([given ?? testDatabase(), testRedis()]);
  const log = createLog('booking-test', 'silent');
  /** Calls for many that PostgreSQL refused: a test that provokes one takes it out. */
  const refused: unknown[] = [];
  const db = createDb(database.url, {
    ...pooling,
    applicationName: 'booking-test',
    isOneByOne,
    report: (error) => refused.push(error),
  });
  const inventoryDb = createDb(database.url, {
    ...pooling,
    ...{ applicationName: 'inventory-test', connections: 1 },
  });
  const inventory = createInventory({ db: inventoryDb, clock: systemClock, log });
  inventory.start();
  await inventory.refresh();
  const payments = createTestProvider(db, SLOW_PAYMENT_MS);
  const orderQueue = createOrderQueue({ db, redisUrl: redis.url, waitingMax: ORDERS_WAITING_MAX, log });
  const signer = await createSigner();
  const dependencies = {
    ...{ db, inventory, payments, internalSecret, log },
    keys: createLocalJWKSet({ keys: [signer.jwk] }),
    mailFolder: null,
    toWorker: orderQueue,
    wakeWorker: () => undefined,
    clock: systemClock,
  };
  const { app, ahead } = createApp(dependencies);

  const send = async (method: string, path: string, options: RequestOptions = {}): Promise<Answer> => {
    const { json, body = json === undefined ? undefined : JSON.stringify(json), headers = {} } = options;
    const response = await (options.app ?? app).request(path, {
      method,
      headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
  };
  const internal = (method: string, path: string, options: RequestOptions = {}): Promise<Answer> =>
    send(method, path, {
      ...options,
      headers: {
        [internalHeaders.key]: internalSecret,
        [internalHeaders.organiser]: organiserName,
        ...options.headers,
      },
    });

  const makeEvent = async (sections: TestSection[]) => {
    const { body } = await internal('POST', '/internal/events', {
      json: {
        name: 'A concert',
        venue: 'A hall',
        startsAt: '2030-05-01T19:00:00Z',
        timeZone: 'Europe/Berlin',
        sections: sections.map(({ amount, ...section }) => ({
          ...section,
          price: { amount, currency: 'EUR' },
        })),
      },
    });
    return body as EventAnswer;
  };
  const makeSale = async (event: string, settings: Record<string, unknown> = {}) => {
    const { body } = await internal('POST', `/internal/events/${event}/sales`, {
      json: {
        name: 'A sale',
        opensAt: '2026-01-01T10:00:00Z',
        capacity: 100,
        admitPerMinute: 600,
        ...settings,
      },
    });
    return body as SaleDefinition;
  };

  const admit = async (sale: string, claims: Record<string, unknown> = {}): Promise<TestFan> => {
    const id = newId();
    const token = await signer.sign(admissionClaims(sale, { sub: id, ...claims }));
    const request = (method: string, path: string, options: RequestOptions = {}) =>
      internal(method, `/api/sales/${sale}${path}`, {
        ...options,
        headers: {
          authorization: `Bearer ${token}`,
          [internalHeaders.admission]: 'live',
          ...options.headers,
        },
      });
    return { id, token, request };
  };

  const stop = async () => {
    await Promise.all([inventory.stop(), orderQueue.close()]);
    await Promise.all([db.close(), inventoryDb.close()]);
    await Promise.all([database.drop(), redis.flush()]);
    if (refused.length > 0) throw refused[0];
  };
  return {
    ...{
      databaseUrl: database.url,
      redisUrl: redis.url,
      db,
      refused,
      inventory,
      payments,
      log,
      app,
      ahead,
      signer,
      dependencies,
    },
    send,
    internal,
    makeEvent,
    makeSale,
    admit,
    stop,
  };
}
