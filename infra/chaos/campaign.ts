import { availableParallelism, loadavg } from 'node:os';
import { visit } from '../crowd/fan.ts';
import { openHouse, organise } from '../crowd/organiser.ts';
import { pause, showIn, type World } from '../crowd/world.ts';
import type { Disturbance } from '../history/disturbance.ts';
import { createHistory } from '../history/recorder.ts';
import { settledWithin } from '../local/processes.mjs';
import { createRandom, type Random } from '../testing/random.ts';
import type { Fault } from './fault.ts';
import { longestPauseMs, turnsOf, turnsSince } from './flow.ts';
import type { ChaosShop } from './shop.ts';
import { reachVerdict, type Verdict } from './verdict.ts';

/** Turns flow again so long after a fault has healed, and its recovery is over (I14). */
const HEAL_MS_MAX = 10_000;
/** What is looked at behind that only says how much too late it was. */
const LATER_MS_MAX = 30_000;
const CALM_MS = { short: [300, 1_000], long: [1_000, 3_000] } as const;
/** A fault begins to be felt. */
const ONSET_MS = 700;
/** Of what a service wrote before it ended. */
const TOLD_CHARS_MAX = 1_500;
const WIND_DOWN_MS_MAX = 180_000;
/**
 * More seats than a campaign of ten minutes sells, so that the sale does not end while a fault is in; and so many rooms that, though
 * they are full as a rule, one is freed again and again by somebody's end or expiry when nobody can pay. After a loss of Redis the
 * rooms of fans who have gone without a word are free when admissions from before it are over (ARCHITECTURE.md, "Losing Redis"):
 * before turns are due again, should all have gone.
 */
const SHOW = showIn(
  [
    { name: 'A', rows: 60, seatsPerRow: 50 },
    { name: 'B', rows: 40, seatsPerRow: 50 },
  ],
  { capacity: 30, admitPerMinute: 6_000, admissionSeconds: 15 },
);
const PATIENCE = { answerMs: 4_000, queueMs: 120_000, saleMs: Number.POSITIVE_INFINITY };

/** How one injection went. */
export type Injected = {
  fault: Fault;
  /** Epoch milliseconds: its injection began, it was about to heal, it had healed. */
  from: number;
  healing: number;
  to: number;
  /** From healing to the first turn; null when none came. */
  turnsAfterMs: number | null;
  turnsMeanwhile: number;
  breaches: string[];
};

export type Campaign = {
  seed: string;
  /** Fans at once. */
  fans: number;
  /** Injected one after another, over and over, each time in another order. */
  faults: readonly Fault[];
  form: 'short' | 'long';
  /** How often each is injected; for ever when it is not said. */
  times?: number | undefined;
  /** Faults begin as long as this says so. */
  goesOn: (injected: number) => boolean;
  /** Says how it goes on. */
  say?: (line: string) => void;
};

/** A crowd in a shop that is hurt again and again, and what must be said of it afterwards. */
export async function runCampaign(shop: ChaosShop, campaign: Campaign): Promise<Verdict> {
  const { seed, fans, say = () => undefined } = campaign;
  const random = createRandom(seed);
  let isOver = false;
  const world: World = {
    ...{
      services: { ...shop.services, databaseUrl: shop.database.url },
      history: createHistory(),
      show: SHOW,
    },
    ...{ sales: [], houses: [], tally: new Map(), faults: [], patience: PATIENCE },
    // Who is in the queue when it is over goes home.
    endsAt: () => (isOver ? 0 : Number.POSITIVE_INFINITY),
    isOver: () => isOver,
  };
  world.houses = [await openHouse(world)];
  const crowd = Promise.all([
    organise(world, random.fork('organiser'), 0),
    ...Array.from({ length: fans }, async (_, place) => {
      for (let visits = 1; !isOver; visits += 1) {
        const name = `fan-${place}-${visits}`;
        await visit(world, random.fork(name), name);
      }
    }),
  ]);
  // Whatever an actor stumbles over is said when all is over, not in the middle of a fault.
  crowd.catch(() => undefined);
  const injected: Injected[] = [];
  const disturbances: Disturbance[] = [];
  try {
    await turnsSince(world.history, SHOW, Date.now(), LATER_MS_MAX);
    for (const fault of inSeededOrder(campaign, random.fork('faults'), () => injected.length)) {
      const [least, most] = CALM_MS[campaign.form];
      await pause(random.between(least, most));
      const one = await injectOnce({ shop, world, random, campaign, disturbances }, fault);
      injected.push(one);
      say(describeInjected(one));
    }
  } finally {
    isOver = true;
  }
  if (!(await settledWithin(crowd, WIND_DOWN_MS_MAX)))
    throw new Error(`seed ${seed}: somebody was still busy ${WIND_DOWN_MS_MAX / 1_000} s after the end.`);
  await crowd;
  // Only by now everybody has said what they were told.
  countTurns(injected, turnsOf(world.history.all, SHOW));
  return reachVerdict({ seed, shop, world, injected, disturbances });
}

function* inSeededOrder(
  { faults, goesOn, times = Number.POSITIVE_INFINITY }: Campaign,
  random: Random,
  injected: () => number,
) {
  const possible = faults.filter(({ leftOut }) => !leftOut);
  for (let round = 1; round <= times; round += 1) {
    for (const fault of random.sample(possible, possible.length)) {
      if (!goesOn(injected())) return;
      yield fault;
    }
  }
}

type Injecting = {
  shop: ChaosShop;
  world: World;
  random: Random;
  campaign: Campaign;
  disturbances: Disturbance[];
};

async function injectOnce(injecting: Injecting, fault: Fault): Promise<Injected> {
  const { shop, world, random, campaign, disturbances } = injecting;
  const { history } = world;
  const disturbance = { of: fault.of, kind: fault.name, from: Date.now(), to: Number.POSITIVE_INFINITY };
  disturbances.push(disturbance);
  const first = history.all.length;
  const breaches: string[] = [];
  // A service that does not come up again is told like any other breach, and the campaign goes on.
  const orTell = (doing: Promise<unknown>) =>
    doing.catch((error: Error) => breaches.push(`died-by-itself: ${error.message.slice(0, TOLD_CHARS_MAX)}`));
  const named = random.fork(`${fault.name} ${disturbances.length}`);
  let heal: () => Promise<unknown> = async () => undefined;
  await orTell(
    fault.inject({ ...shop, world, random: named }).then((healing) => {
      heal = healing;
    }),
  );
  const there = Date.now();
  const lasts = fault.lastsMs[campaign.form];
  await pause(lasts);
  const healing = Date.now();
  await orTell(heal());
  const to = Date.now();
  disturbance.to = to;
  const asked = history.all
    .slice(first)
    .filter(({ sentAt, tookMs }) => sentAt >= there + ONSET_MS && sentAt + tookMs <= healing);
  for (const text of fault.meanwhile?.({ asked }) ?? []) breaches.push(`meanwhile: ${text}`);
  const allowedMs = HEAL_MS_MAX + (fault.recoveryMs ?? 0);
  const turnsAfterMs = await turnsSince(history, SHOW, to, allowedMs + LATER_MS_MAX);
  if (turnsAfterMs === null || turnsAfterMs > allowedMs)
    breaches.push(
      `no-turns: ${turnsAfterMs === null ? 'none came' : `${Math.round(turnsAfterMs)} ms`} after it had healed; ${allowedMs} ms are allowed (load ${busyness()})`,
    );
  for (const name of shop.services.names) {
    if (shop.services.isRunning(name)) continue;
    breaches.push(`died-by-itself: ${name}; it wrote: ${shop.services.output(name).slice(-TOLD_CHARS_MAX)}`);
    await orTell(shop.services.restart(name));
  }
  return { fault, from: disturbance.from, healing, to, turnsAfterMs, turnsMeanwhile: 0, breaches };
}

function countTurns(injected: readonly Injected[], turns: readonly number[]): void {
  for (const each of injected) {
    const { fault, from, healing, breaches } = each;
    each.turnsMeanwhile = turns.filter((at) => at >= from && at <= healing).length;
    const pauseMs = longestPauseMs(turns, from, healing);
    if (pauseMs > (fault.turnPauseMsMax ?? Number.POSITIVE_INFINITY))
      breaches.push(`meanwhile: No turn was given for ${Math.round(pauseMs)} ms (load ${busyness()})`);
  }
}

function describeInjected({ fault, turnsAfterMs, breaches }: Injected): string {
  const after = turnsAfterMs === null ? 'no turns' : `turns after ${(turnsAfterMs / 1_000).toFixed(1)} s`;
  return [`${fault.name}: ${after}`, ...breaches.map((text) => `    ${text}`)].join('\n');
}

/** A machine that does ten times what it can keeps nobody's time: said beside what came too late. */
const busyness = (): string => `${Math.round(loadavg()[0] ?? 0)} on ${availableParallelism()} cores`;
