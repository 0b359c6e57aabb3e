import { spawnSync } from 'node:child_process';
import { findOnPath, isExecutable } from './on-path.mjs';
import { unpackedProgram } from './unpacked-packages.mjs';

/** Where systems put it that keep it off an ordinary account's PATH. */
const USUAL_PLACES = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'];
/** Older Debians and Ubuntus carry the program in a package of its own. */
const CHOICES = [
  { program: 'usr/sbin/nginx', packages: ['nginx'] },
  { program: 'usr/sbin/nginx', packages: ['nginx-core'] },
];

/** What to do where there is none. */
export const NGINX_IS_MISSING =
  'There is no nginx here and none could be fetched; install it (Debian and Ubuntu: apt-get install nginx, macOS: brew install nginx).';

/** nginx as `{ command, env, version }`: installed, else the distribution's package unpacked into `folder`, else null. */
export async function nginxBinary({ roster, folder }) {
  const installed = [findOnPath('nginx'), ...USUAL_PLACES].find((path) => path && isExecutable(path));
  return (
    (installed && examined({ command: installed, env: {} })) ||
    examined(await unpackedProgram({ roster, folder, name: 'nginx', choices: CHOICES }))
  );
}

/** `nginx version: nginx/1.22.1`, on standard error. */
function examined(found) {
  if (!found) return null;
  const { stderr } = spawnSync(found.command, ['-v'], {
    encoding: 'utf8',
    env: { ...process.env, ...found.env },
  });
  const [, version] = /nginx\/(\S+)/.exec(stderr ?? '') ?? [];
  return version ? { ...found, version } : null;
}
