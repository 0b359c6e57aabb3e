import { resolve } from 'node:path';
import { ownRedis } from '../../testing/redis-server.ts';
import { benchDraw } from './measure.ts';

const ENTRIES = 1_000_000;
const ENTRIES_MAX = 20_000_000;
const FIRST_TURN_MS_MAX = 1_000;
const COMPLETE_MS_MAX = 15_000;
const BYTES_PER_FAN_MAX = 112;

/** `npm run bench:draw [-- ENTRIES]`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const entries = Number(args[0] ?? ENTRIES);
  if (!Number.isInteger(entries) || entries < 1 || entries > ENTRIES_MAX) {
    process.stderr.write(`npm run bench:draw [-- ENTRIES], a number up to ${ENTRIES_MAX}\n`);
    return 2;
  }
  const redis = await ownRedis({}, resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  try {
    const { firstTurnMs, completeMs, stallMs, stallP99Ms, bytesPerFan } = await benchDraw({
      redisUrl: redis.url,
      entries,
    });
    console.log(`The draw of ${entries} fans, gateway and Redis on this machine:
  first turn after the opening   ${Math.round(firstTurnMs)} ms (at most ${FIRST_TURN_MS_MAX})
  last number written            ${Math.round(completeMs)} ms (at most ${COMPLETE_MS_MAX})
  the gateway's others waited    ${stallP99Ms.toFixed(1)} ms at the 99th percentile, ${stallMs.toFixed(1)} ms at most
  Redis memory, all keys         ${bytesPerFan.toFixed(1)} bytes a fan (at most ${BYTES_PER_FAN_MAX})`);
    const holds =
      firstTurnMs <= FIRST_TURN_MS_MAX && completeMs <= COMPLETE_MS_MAX && bytesPerFan <= BYTES_PER_FAN_MAX;
    return holds ? 0 : 1;
  } finally {
    await redis.stop();
  }
}
