import { createFan } from '../../journeys/fan.ts';
import { openSale } from '../../journeys/organise.ts';
import { LOOPBACK } from '../../local/ports.mjs';
import { newSecrets } from '../../local/secrets.mjs';
import { type Figure, median } from '../figures.ts';
import type { Child } from '../processes.ts';
import { startGateway } from '../queue/processes.ts';
import { loader, type Measured } from './over-http.ts';
import { INTERNAL_SECRET, ROUND_MS, ROUNDS, ROWS, SEATS } from './settings.ts';
import type { Shop, Signer } from './shop.ts';

const FANS = 400;
/** So that few fans can take many seats. */
const SEATS_EACH = 20;
const CONNECTIONS = 64;
const ADMITTED_WITHIN_MS = 60_000;

/** The same requests of the same admitted fans, through the door and past it. */
export async function measureDoor(options: {
  redisUrl: string;
  signer: Signer;
  client: Child;
  shop: Shop;
}): Promise<Figure[]> {
  const { redisUrl, signer, client, shop } = options;
  const load = loader(client);
  const { ORGANISER_KEY: organiserKey } = newSecrets();
  const gateway = await startGateway(redisUrl, {
    ...{ INTERNAL_SECRET, ORGANISER_KEY: organiserKey, RATE_LIMITS: 'off', NODE_ENV: 'test' },
    // That this Redis does not know the other parts' sales is said as an error.
    LOG_LEVEL: 'fatal',
    BOOKING_URL: `http://${LOOPBACK}:${shop.port}`,
    SIGNING_KEYS: JSON.stringify([signer.privateJwk]),
  });
  try {
    const gatewayUrls = [`http://${LOOPBACK}:${gateway.port}`];
    const hall = [{ name: 'A', rows: ROWS, seatsPerRow: SEATS / ROWS }];
    const settings = { capacity: FANS, admitPerMinute: 1_000_000, seatsPerFan: SEATS_EACH };
    const names = Array.from(
      { length: FANS * SEATS_EACH },
      (_, i) => `A-${(i % ROWS) + 1}-${Math.floor(i / ROWS) + 1}`,
    );

    const rounds: Record<string, Measured[]> = { read: [], readDirect: [], hold: [], holdDirect: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const throughDoor of round % 2 === 0 ? [true, false] : [false, true]) {
        const sale = await openSale({ gatewayUrls, organiserKey }, hall, settings);
        const tokens = await admitted(gatewayUrls, sale);
        const port = throughDoor ? gateway.port : shop.port;
        const common = { port, sale, tokens, seats: names, connections: CONNECTIONS, throughDoor };
        await load({ ...common, kind: 'warm', ms: 60_000 });
        const read = await load({ ...common, kind: 'known', ms: ROUND_MS });
        const hold = await load({ ...common, kind: 'hold', ms: ROUND_MS });
        rounds[throughDoor ? 'read' : 'readDirect']?.push(read);
        rounds[throughDoor ? 'hold' : 'holdDirect']?.push(hold);
      }
    }
    const share = (kind: 'read' | 'hold', of: (measured: Measured) => number) =>
      (rounds[kind] ?? []).map((own, i) => of(own) / of(rounds[`${kind}Direct`]?.[i] as Measured));
    const note = (kind: 'read' | 'hold') => {
      const rate = (name: string) =>
        Math.round(median((rounds[name] ?? []).map(({ perSecond }) => perSecond)));
      return `${rate(kind)}/s of ${rate(`${kind}Direct`)}/s`;
    };
    const perSecond = (measured: Measured) => measured.perSecond;
    const p99 = (measured: Measured) => measured.p99Ms;
    const figure = (what: string, all: number[], bound: number, side: Figure['side'], of = ''): Figure => ({
      ...{ what, rounds: all, unit: ' ×', bound, side, note: of },
    });
    return [
      figure('the cheapest read through the door', share('read', perSecond), 0.3, 'at least', note('read')),
      figure('a hold through the door', share('hold', perSecond), 0.6, 'at least', note('hold')),
      figure('p99 of a hold through the door', share('hold', p99), 2, 'at most'),
    ];
  } finally {
    await gateway.stop();
  }
}

/** As many fans go the whole way through the queue; their admission tokens. */
async function admitted(gatewayUrls: string[], sale: string): Promise<string[]> {
  const deadlineAt = Date.now() + ADMITTED_WITHIN_MS;
  return Promise.all(
    Array.from({ length: FANS }, async (_, i) => {
      const fan = createFan(gatewayUrls, sale, `bench-${i}`, deadlineAt);
      await fan.join();
      const state = await fan.queueUp();
      if (state !== 'admitted') throw new Error(`a fan of the benchmark is ${state}`);
      return fan.admissionToken();
    }),
  );
}
