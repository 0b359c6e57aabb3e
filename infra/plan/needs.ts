import { STREAMS_MAX } from '../../gateway/queue/streams.ts';
import type { Moment, Played } from './evening.ts';
import type { Figures } from './figures.ts';

/** A process is planned to be busy with so much of its one core: what is left is for what nobody planned. */
export const BUSY_SHARE_MAX = 0.6;
/** One more than are needed: any one may be lost. */
const SPARE = 1;
const MICROS = 1_000_000;
/** A position that changes is told once a second at most. */
const FRAMES_A_SECOND = 1;
/** While Redis writes its file anew, changed pages exist twice. */
const REDIS_COPIES = 2;
const REDIS_BASE_BYTES = 64 * 1024 * 1024;
const GATEWAYS_MAX = 1_000;

export type Need = { count: number; busyShare: number; second: number };

export type Needs = {
  gateway: Need & { streams: number; polls: number };
  booking: Need;
  worker: Need;
  /** Cores, of one server each. */
  postgres: { cores: number; second: number };
  redis: { busyShare: number; second: number; bytes: number };
  /** Bits a second at the worst moment, out of the gateways; without what a CDN keeps, and the pages beside it. */
  network: { bitsPerSecond: number; second: number; pageBitsPerSecond: number };
};

/** What the evening needs at each one's own worst second, if machines are `speed` times as fast as the measured one. */
export function needsOf(played: Played, figures: Figures, speed: number): Needs {
  const worst = (of: (moment: Moment) => number) => {
    let most = { value: 0, second: 0 };
    for (const moment of played.moments) {
      const value = of(moment);
      if (value > most.value) most = { value, second: moment.second };
    }
    return most;
  };
  // Whoever came through the shop has asked for seats, held, paid and looked: spread over those who claim, hold and pay.
  const fansInShop = ({ claims, holds, orders }: Moment) => (claims + holds + orders) / 3;
  const cores = (micros: (moment: Moment) => number) => {
    const { value, second } = worst(micros);
    return { cores: value / MICROS / speed, second };
  };
  const processes = (micros: (moment: Moment) => number): Need => {
    const { cores: busy, second } = cores(micros);
    const needed = Math.max(1, Math.ceil(busy / BUSY_SHARE_MAX));
    return { count: needed + SPARE, busyShare: busy / (needed + SPARE), second };
  };

  const redis = cores((m) => m.joins * figures.redis.join + fansInShop(m) * figures.redis.fanInShop);
  const fans = played.moments.reduce((sum, { joins }) => sum + joins, 0);
  const gateway = gatewaysOf(played, figures, speed, fansInShop);
  const network = worst((m) => {
    const { streams, polls } = asked(m, gateway.count);
    const { join, poll, frame, fanInShop } = figures.bytes;
    return (
      8 * (m.joins * join + polls * poll + streams * FRAMES_A_SECOND * frame + fansInShop(m) * fanInShop)
    );
  });
  return {
    gateway,
    booking: processes((m) => fansInShop(m) * figures.booking.fanInShop),
    worker: processes((m) => m.orders * figures.worker.fanInShop),
    postgres: cores((m) => fansInShop(m) * figures.postgres.fanInShop),
    redis: {
      busyShare: redis.cores,
      second: redis.second,
      bytes: REDIS_COPIES * (REDIS_BASE_BYTES + fans * figures.memory.waiting),
    },
    network: {
      bitsPerSecond: network.value,
      second: network.second,
      pageBitsPerSecond: 8 * worst((m) => m.joins).value * figures.bytes.page,
    },
  };
}

/** Of those who wait as many listen as there are streams for; the others ask. */
function asked({ waiting, polls }: Moment, gateways: number): { streams: number; polls: number } {
  const streams = Math.min(waiting, gateways * STREAMS_MAX);
  return { streams, polls: waiting === 0 ? 0 : (polls * (waiting - streams)) / waiting };
}

/** More gateways keep more streams, and so get more work: the fewest that are not too busy with what they would have. */
function gatewaysOf(
  played: Played,
  figures: Figures,
  speed: number,
  fansInShop: (moment: Moment) => number,
): Needs['gateway'] {
  const { join, poll, frame, fanInShop } = figures.gateway;
  for (let needed = 1; needed <= GATEWAYS_MAX; needed += 1) {
    let most = { busy: 0, second: 0, streams: 0, polls: 0 };
    for (const moment of played.moments) {
      const { streams, polls } = asked(moment, needed);
      const micros =
        moment.joins * join +
        polls * poll +
        streams * FRAMES_A_SECOND * frame +
        fansInShop(moment) * fanInShop;
      const busy = micros / MICROS / speed;
      if (busy > most.busy) most = { busy, second: moment.second, streams, polls };
    }
    if (most.busy > needed * BUSY_SHARE_MAX) continue;
    const { busy, second, streams, polls } = most;
    return { count: needed + SPARE, busyShare: busy / (needed + SPARE), second, streams, polls };
  }
  throw new Error(
    `More than ${GATEWAYS_MAX} gateways would be needed: spread the arrivals (a lobby and a draw).`,
  );
}
