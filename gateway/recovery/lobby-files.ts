import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '#shared/log.ts';
import type { FrozenLobby } from '../lobby/draw.ts';
import { ID_BYTES } from '../lobby/lobby-ids.ts';
import { FOLDER, FOLDER_MODE } from './memory-files.ts';

const FILE_MODE = 0o600;

const Header = z.strictObject({
  frozenAt: z.string(),
  entries: z.int(),
  digest: z.string(),
  sha256: z.string(),
});

/** Who was in frozen lobbies, on disk: a file a gateway and sale, written once. */
export type LobbyFiles = {
  /** The lobby that was frozen then, whichever gateway wrote it down; null when none did. */
  read: (sale: string, frozenAt: string) => Promise<FrozenLobby | null>;
  write: (sale: string, lobby: FrozenLobby) => Promise<void>;
  /** The sale's queue goes on: its file is not old (memory-files.ts removes what is). */
  keep: (sale: string) => Promise<void>;
};

/** `gateway` tells this process from the others that share the folder, and is the same when it starts again. */
export function lobbyFiles(dataDir: string, gateway: string, log: Log): LobbyFiles {
  const folder = join(dataDir, FOLDER);
  const suffix = `.${createHash('sha256').update(gateway).digest('hex').slice(0, 12)}.lobby`;
  const pathOf = (sale: string) => join(folder, `${sale}${suffix}`);

  return {
    async read(sale, frozenAt) {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
      const names = await readdir(folder);
      for (const name of names.filter((other) => other.startsWith(`${sale}.`) && other.endsWith('.lobby'))) {
        try {
          const lobby = unpack(await readFile(join(folder, name)));
          if (lobby.frozenAt === frozenAt) return lobby;
        } catch (error) {
          log.warn({ err: error, name }, 'what a gateway remembered of a lobby cannot be read');
        }
      }
      return null;
    },
    async write(sale, { ids, ...rest }) {
      const header = { ...rest, sha256: createHash('sha256').update(ids).digest('hex') };
      const path = pathOf(sale);
      const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ids]);
      const file = await open(`${path}.new`, 'w', FILE_MODE);
      try {
        await file.writeFile(bytes);
        // A machine that goes down must not leave a new name without its contents.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
    async keep(sale) {
      const now = new Date();
      await utimes(pathOf(sale), now, now).catch(() => undefined);
    },
  };
}

function unpack(bytes: Buffer): FrozenLobby {
  const end = bytes.indexOf(10);
  const { sha256, ...rest } = Header.parse(JSON.parse(bytes.subarray(0, end).toString()));
  const ids = bytes.subarray(end + 1);
  if (ids.length !== rest.entries * ID_BYTES || createHash('sha256').update(ids).digest('hex') !== sha256)
    throw new Error('the file is not whole');
  return { ...rest, ids };
}
