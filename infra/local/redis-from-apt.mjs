import { unpackedProgram } from './unpacked-packages.mjs';

/** The server and the package that carries the program itself (in Debian `redis-server` is a link into the tools). */
const CHOICES = [
  { program: 'usr/bin/redis-server', packages: ['redis-server', 'redis-tools'] },
  { program: 'usr/bin/valkey-server', packages: ['valkey-server', 'valkey-tools'] },
];

/** The distribution's own Redis (or Valkey), unpacked into `folder`; null where it cannot be had. */
export const unpackedRedis = ({ roster, folder }) =>
  unpackedProgram({ roster, folder, name: 'Redis', choices: CHOICES });
