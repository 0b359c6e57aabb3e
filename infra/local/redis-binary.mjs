import { execFileSync } from 'node:child_process';
import { LaunchError } from './launch-error.mjs';
import { findOnPath } from './on-path.mjs';
import { unpackedRedis } from './redis-from-apt.mjs';
import { brewedRedis } from './redis-from-brew.mjs';

const NAMES = ['redis-server', 'valkey-server'];
/** The newest commands in use came with Redis 7.0; every Valkey has them. */
const VERSION_MAJOR_MIN = 7;

/**
 * A Redis or Valkey server as `{ command, env, name, version }`: from the PATH, else the distribution's packages
 * unpacked into `folder`, else Homebrew's.
 */
export async function redisBinary({ roster, folder }) {
  const onPath = NAMES.map(findOnPath)
    .filter(Boolean)
    .map((command) => examined({ command, env: {} }));
  const recent = onPath.find((found) => found && found.major >= VERSION_MAJOR_MIN);
  if (recent) return recent;
  for (const source of [unpackedRedis, brewedRedis]) {
    const found = examined(await source({ roster, folder }));
    if (found && found.major >= VERSION_MAJOR_MIN) return found;
  }
  throw new LaunchError(
    `There is no Redis ${VERSION_MAJOR_MIN} or later and no Valkey here, and none could be fetched; install redis-server, or set REDIS_URL to a running one.`,
  );
}

/** `Redis server v=7.0.15 …`, `Valkey server v=8.0.1 …`; null when it does not run. */
function examined(found) {
  if (!found) return null;
  try {
    const output = execFileSync(found.command, ['--version'], {
      encoding: 'utf8',
      env: { ...process.env, ...found.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [, name, version] = /^(\w+) server v=(\S+)/.exec(output) ?? [];
    return name ? { ...found, name, version, major: Number.parseInt(version, 10) } : null;
  } catch {
    return null; // a server that cannot say its version is none we can use; the next source is asked
  }
}
