import { resolve } from 'node:path';
import { LaunchError } from '../local/launch-error.mjs';
import { NGINX_IS_MISSING, nginxBinary } from '../local/nginx-binary.mjs';
import { say } from '../local/progress.mjs';

/**
 * Where a fetched nginx is kept for the tests behind it, fetched by now where none is installed. Empty when there is none,
 * which skips those tests and says so; in CI that is a failure.
 */
export async function findNginx({ roster, root }) {
  const folder = resolve(root, process.env.DATA_DIR || '.data', 'nginx-server');
  if (await nginxBinary({ roster, folder })) return folder;
  if (process.env.CI === 'true') throw new LaunchError(NGINX_IS_MISSING);
  say(`\n*** THE TESTS BEHIND NGINX ARE SKIPPED. ${NGINX_IS_MISSING} ***\n`);
  return '';
}
