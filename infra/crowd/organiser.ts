import postgres from 'postgres';
import type { Asked, Op } from '../history/recorder.ts';
import { ask as askPlainly } from '../journeys/http.ts';
import { openSale } from '../journeys/organise.ts';
import type { Random } from '../testing/random.ts';
import { count, gatewayOf, type House, pause, recordOf, type World } from './world.ts';

const OPENING_TRIES_MAX = 60;
const OPENING_RETRY_MS = 500;
const CUT_MS_MAX = 300;
const PAUSED_MS_MAX = 800;
/** The pace that was set at first, by which it is divided. */
const PACES = [1, 2, 4];
const RESUME_TRIES_MAX = 60;

/** Opens the sale of a hall, whatever fails meanwhile; half of an attempt that was lost stays behind and is nobody's. */
export async function openHouse(world: World): Promise<House> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const sale = await openSale(world.services, [...world.show.hall], world.show.settings);
      const { body } = await askPlainly<{ event: { event: string } }>(
        'GET',
        `${world.services.gatewayUrls[0]}/api/sales/${sale}`,
      );
      if (body.event) {
        const house = { sale, event: body.event.event, openedAt: Date.now() };
        world.sales.push(recordOf(world.show, house));
        return house;
      }
    } catch (error) {
      if (attempt >= OPENING_TRIES_MAX) throw error;
    }
    if (attempt >= OPENING_TRIES_MAX) throw new Error('No sale could be opened.');
    await pause(OPENING_RETRY_MS);
  }
}

/** Runs a hall: blocks, refunds, pauses, and opens the next sale when one is over. */
export async function organise(world: World, random: Random, hall: number): Promise<void> {
  const sql = postgres(world.services.databaseUrl, { max: 1, onnotice: () => undefined, connect_timeout: 5 });
  const blocked: string[] = [];
  let act = 0;
  try {
    while (!world.isOver()) {
      const house = world.houses[hall] as House;
      if (await isSoldOut(world, random, house)) {
        world.houses[hall] = await openHouse(world);
        blocked.length = 0;
        count(world, 'sales opened');
        continue;
      }
      act += 1;
      await actOnce(world, random, { house, blocked, sql, reason: `act-${hall}-${act}` });
      await pause(random.between(200, 1_200));
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function isSoldOut(world: World, random: Random, { sale, openedAt }: House): Promise<boolean> {
  if (Date.now() - openedAt > world.patience.saleMs) return true;
  try {
    const url = `${gatewayOf(world, random)}/api/sales/${sale}`;
    const { body } = await askPlainly<{ state: string }>('GET', url);
    return body.state === 'soldOut';
  } catch {
    return false; // Asked again at the next act.
  }
}

type Acting = { house: House; blocked: string[]; sql: postgres.Sql; reason: string };

async function actOnce(world: World, random: Random, { house, blocked, sql, reason }: Acting): Promise<void> {
  const { sale, event } = house;
  const command = (
    op: Op,
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    json?: Record<string, unknown>,
  ): Promise<Asked> =>
    world.history.ask({
      ...{ op, sale, who: 'organiser', method, json },
      url: `${gatewayOf(world, random)}/api/organiser${path}`,
      token: world.services.organiserKey,
      cutAfterMs: random.chance(0.1) ? random.between(1, CUT_MS_MAX) : world.patience.answerMs,
    });
  const ask = (op: Op, path: string, json: Record<string, unknown>) =>
    command(op, 'POST', path, { ...json, reason });
  const deed = random.weighted({ block: 25, unblock: 25, refund: 25, pause: 8, pace: 8, resend: 8 });
  if (deed === 'block') {
    const seats = random.sample(world.show.seats, random.between(1, 3));
    // A block that nothing was heard of is undone like one that was done.
    if ((await ask('block', '/seats/block', { event, seats })).outcome !== 'refused') blocked.push(...seats);
  } else if (deed === 'unblock' && blocked.length > 0) {
    const seats = [...new Set(blocked.splice(0, random.between(1, 4)))];
    const { outcome } = await ask('unblock', '/seats/unblock', { event, seats });
    if (outcome === 'unknown') blocked.push(...seats);
  } else if (deed === 'refund') {
    const bought = world.history.all.filter(
      (asked) => asked.sale === sale && asked.status === 201 && asked.body.order,
    );
    if (bought.length > 0) await ask('refund', `/orders/${random.pick(bought).body.order}/refund`, {});
  } else if (deed === 'pause') {
    await ask('pause', `/sales/${sale}/pause`, {});
    await pause(random.between(50, PAUSED_MS_MAX));
    for (let attempt = 1; attempt <= RESUME_TRIES_MAX; attempt += 1) {
      if ((await ask('resume', `/sales/${sale}/resume`, {})).outcome !== 'unknown') return;
      await pause(random.between(100, 500));
    }
  } else if (deed === 'pace') {
    const { version } = (await command('look at a sale', 'GET', `/sales/${sale}`)).body;
    const admitPerMinute = Math.round(world.show.settings.admitPerMinute / random.pick(PACES));
    if (version !== undefined)
      await command('change the pace', 'PATCH', `/sales/${sale}`, { version, admitPerMinute });
  } else if (deed === 'resend') {
    const message = await anyMessage(sql);
    if (message) await ask('resend', `/mail/${message}/resend`, {});
  }
}

/** Null while the books cannot be read. */
async function anyMessage(sql: postgres.Sql): Promise<string | null> {
  try {
    const [row] = await sql<{ id: string }[]>`select id from outbox_message order by random() limit 1`;
    return row?.id ?? null;
  } catch {
    return null;
  }
}
