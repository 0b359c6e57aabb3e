import http from 'k6/http';
import type { SaleRecord } from '../../infra/history/record.ts';
import { record } from './record.ts';
import { organiserKey, shopUrl } from './settings.ts';

const DAY_MS = 24 * 3_600_000;
const CREATED = 201;

export type Hall = { name: string; rows: number; seatsPerRow: number }[];
export type SaleSettings = {
  capacity: number;
  admitPerMinute: number;
  seatsPerFan: number;
  claimSeconds: number;
  admissionSeconds: number;
  holdSeconds: number;
  graceSeconds: number;
};

/**
 * Makes an event with one sale, as an organiser would; for a script's `setup`. The sale is open now, or opens in
 * `lobbySeconds`, its lobby at once.
 */
export function openSale(name: string, hall: Hall, settings: SaleSettings, lobbySeconds = 0): SaleRecord {
  const { event } = organise<{ event: string }>('/events', {
    name,
    venue: 'Load test',
    startsAt: new Date(Date.now() + 60 * DAY_MS).toISOString(),
    timeZone: 'Europe/Berlin',
    sections: hall.map((section, i) => ({
      ...section,
      price: { amount: 9_000 - 1_000 * (i % 5), currency: 'EUR' },
    })),
  });
  const hasLobby = lobbySeconds > 0;
  const opensAt = Date.now() + (hasLobby ? lobbySeconds * 1_000 : -1_000);
  const { sale } = organise<{ sale: string }>(`/events/${event}/sales`, {
    ...{ name, opensAt: new Date(opensAt).toISOString() },
    ...(hasLobby ? { lobbyOpensAt: new Date(Date.now() - 1_000).toISOString() } : {}),
    ...settings,
  });
  const made: SaleRecord = {
    kind: 'sale',
    sale,
    event,
    capacity: settings.capacity,
    seats: hall.reduce((sum, { rows, seatsPerRow }) => sum + rows * seatsPerRow, 0),
    seatsPerFan: settings.seatsPerFan,
    claimMs: settings.claimSeconds * 1000,
    admissionMs: settings.admissionSeconds * 1000,
    ...(hasLobby ? { opensAt, commitment: commitmentOf(sale) } : {}),
  };
  record(made);
  return made;
}

function commitmentOf(sale: string): string {
  const { status, body } = http.get(`${shopUrl()}/api/sales/${sale}/draw`, { tags: { name: 'organise' } });
  const { commitment = null } =
    status === 200 ? (JSON.parse(String(body)) as { commitment?: string | null }) : {};
  if (commitment === null) throw new Error(`No commitment is published for the draw of sale ${sale}.`);
  return commitment;
}

function organise<Answer>(path: string, body: object): Answer {
  const shop = shopUrl();
  const answer = http.post(`${shop}/api/organiser${path}`, JSON.stringify(body), {
    headers: { authorization: `Bearer ${organiserKey}`, 'content-type': 'application/json' },
    tags: { name: 'organise' },
  });
  if (answer.status === CREATED) return answer.json() as unknown as Answer;
  throw new Error(
    answer.status === 0
      ? `No shop answers at ${shop}: ${answer.error}`
      : `The organiser's ${path} was answered with ${answer.status}: ${String(answer.body)}`,
  );
}
