import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeVersionFault } from './local/node-version.mjs';
import { until } from './local/processes.mjs';
import { ROLL_SIGNAL } from './start/roll.mjs';
import { findRunningShop } from './start/running-shop.mjs';

/** With sixty-four processes of each, a few seconds each. */
const ROLL_MS_MAX = 15 * 60_000;
/** What a launcher takes to hear of it. */
const HEARD_MS_MAX = 5_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** `npm run roll`: has the services that npm start or start:scaled keeps running here replaced, one after another. */
async function main() {
  const fault = nodeVersionFault(root);
  if (fault) return [2, fault];
  const { launcher, running, dataDir } = findRunningShop({ root });
  if (!running) return [2, `No shop runs in ${dataDir}: start one with npm start, or set DATA_DIR.`];
  const before = launcher.roll;
  if (before?.state === 'rolling') return [2, 'A roll is under way.'];
  process.kill(launcher.pid, ROLL_SIGNAL);
  const rollNow = () => {
    const now = findRunningShop({ root }).launcher;
    if (now?.pid !== launcher.pid) return { state: 'gone' };
    return now.roll && now.roll.number !== before?.number ? now.roll : null;
  };
  if (!(await until(rollNow, HEARD_MS_MAX))) return [1, 'The launcher does not answer.'];
  const ended = await until(() => {
    const roll = rollNow();
    return roll?.state === 'rolling' ? null : roll;
  }, ROLL_MS_MAX);
  if (ended?.state === 'done') return [0, 'Every service has been replaced.'];
  if (ended?.state === 'gone') return [1, 'The launcher has ended.'];
  return [1, ended ? `${ended.why}\nThe other services stay as they are.` : 'The roll takes too long.'];
}

const [code, said] = await main();
process[code === 0 ? 'stdout' : 'stderr'].write(`${said}\n`);
process.exitCode = code;
