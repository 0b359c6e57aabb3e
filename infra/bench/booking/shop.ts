import type { JWK } from 'jose';
import type postgres from 'postgres';
import { newId } from '#shared/ids.ts';
import { admissionClaims, type createSigner } from '../../../booking-service/testing/signer.ts';
import { freePort, LOOPBACK } from '../../local/ports.mjs';
import { type Child, startChild, untilReady } from '../processes.ts';
import { INTERNAL_SECRET, ROWS, SEATS_PER_FAN } from './settings.ts';

export type Signer = Awaited<ReturnType<typeof createSigner>>;
export type Shop = Child & { port: number; barePort: number };

/** A booking service; `isOneByOne`: the baseline, with each request a call of its own; `env`: of its own. */
export async function startShop(
  urls: { databaseUrl: string; redisUrl: string },
  jwk: JWK,
  isOneByOne: boolean,
  env: Record<string, string> = {},
): Promise<Shop> {
  const [port, barePort] = [await freePort(), await freePort()];
  const started = startChild(new URL('./server.ts', import.meta.url), {
    HOST: LOOPBACK,
    PORT: String(port),
    BARE_PORT: String(barePort),
    DATABASE_URL: urls.databaseUrl,
    REDIS_URL: urls.redisUrl,
    JWK: JSON.stringify(jwk),
    ONE_BY_ONE: isOneByOne ? '1' : '0',
    ...env,
  });
  await untilReady(started, `http://${LOOPBACK}:${port}/readyz`);
  return { ...started, port, barePort };
}

export type House = { event: string; sale: string; seats: string[] };

/** An event with so many seats, its tables in order, and a sale of it. */
export async function makeHouse(sql: postgres.Sql, port: number, seats: number): Promise<House> {
  const post = async (path: string, body: object) => {
    const response = await fetch(`http://${LOOPBACK}:${port}/internal/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-internal-key': INTERNAL_SECRET,
        'x-internal-organiser': 'benchmark',
      },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`${path} was answered ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
  const seatsPerRow = seats / ROWS;
  const { event } = await post('events', {
    ...{ name: 'A concert', venue: 'A hall', startsAt: '2030-05-01T19:00:00Z', timeZone: 'Europe/Berlin' },
    sections: [{ name: 'A', rows: ROWS, seatsPerRow, price: { amount: 6_500, currency: 'EUR' } }],
  });
  const { sale } = await post(`events/${event}/sales`, {
    ...{ name: 'A sale', opensAt: '2026-01-01T10:00:00Z', capacity: 1_000, admitPerMinute: 60_000 },
    seatsPerFan: SEATS_PER_FAN,
  });
  await sql`vacuum (analyze) seat`;
  await sql`checkpoint`;
  const names = Array.from(
    { length: seats },
    (_, i) => `A-${Math.floor(i / seatsPerRow) + 1}-${(i % seatsPerRow) + 1}`,
  );
  return { event: event as string, sale: sale as string, seats: shuffled(names) };
}

/** Fisher and Yates' shuffle: neighbours on a page of the table are not asked for together. */
function shuffled<Item>(items: Item[]): Item[] {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j] as Item, items[i] as Item];
  }
  return items;
}

/** Admission tokens of as many fans. */
export const tokensOf = (signer: Signer, sale: string, fans: number): Promise<string[]> =>
  Promise.all(Array.from({ length: fans }, () => signer.sign(admissionClaims(sale, { sub: newId() }))));
