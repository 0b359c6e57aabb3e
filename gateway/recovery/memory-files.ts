import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { idPattern } from '#shared/ids.ts';
import type { Log } from '#shared/log.ts';
import { isBehind, type QueueMemory } from './memory.ts';

export const FOLDER = 'queue-memory';
export const FOLDER_MODE = 0o700;
/** A draw's secret seed is in it. */
const FILE_MODE = 0o600;
/** What is older helps nobody any more: grace times are a day at most. */
const FILE_AGE_MS_MAX = 2 * 24 * 3_600_000;
/** As many as a folder may bring into a process; the newest of them. */
const FILES_MAX = 1_000;
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const Header = z.strictObject({
  sale: z.string().regex(idPattern),
  mark: z.string(),
  epoch: z.int(),
  version: z.int(),
  moves: z.int(),
  run: z.string(),
  runBeganAt: z.int(),
  lastNumber: z.int(),
  draw: z.array(z.string()),
  bitsBytes: z.int(),
  statesBytes: z.int(),
  digest: z.string(),
});

/** What gateways remember, on disk, so that it outlives them: a file a gateway and sale, replaced as a whole. */
export type MemoryFiles = {
  /** The newest memory of each sale, whichever gateway wrote it. What cannot be read is reported and left out. */
  readAll: () => Promise<Map<string, QueueMemory>>;
  write: (sale: string, memory: QueueMemory) => Promise<void>;
};

/** `gateway` tells this process from the others that share the folder, and is the same when it starts again. */
export function memoryFiles(dataDir: string, gateway: string, log: Log): MemoryFiles {
  const folder = join(dataDir, FOLDER);
  const suffix = `.${createHash('sha256').update(gateway).digest('hex').slice(0, 12)}.memory`;

  return {
    async readAll() {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
      const newest = new Map<string, QueueMemory>();
      for (const path of await currentFiles(folder)) {
        try {
          const { sale, memory } = unpack(await readFile(path));
          const known = newest.get(sale);
          if (!known || isBehind(known, memory)) newest.set(sale, memory);
        } catch (error) {
          log.warn({ err: error, path }, 'what a gateway remembered of a queue cannot be read');
        }
      }
      return newest;
    },
    async write(sale, memory) {
      const path = join(folder, `${sale}${suffix}`);
      await writeFile(`${path}.new`, pack(sale, memory), { mode: FILE_MODE });
      await rename(`${path}.new`, path);
    },
  };
}

/** Removes what is too old or was never finished. */
async function currentFiles(folder: string): Promise<string[]> {
  const files = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs, size } = await stat(path);
    const isOver = Date.now() - mtimeMs > FILE_AGE_MS_MAX;
    if (isOver) await rm(path, { force: true });
    else if (name.endsWith('.memory') && size <= FILE_BYTES_MAX) files.push({ path, mtimeMs });
  }
  return files
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .slice(0, FILES_MAX)
    .map(({ path }) => path);
}

function pack(sale: string, { bits, states, ...rest }: QueueMemory): Buffer {
  const body = Buffer.concat([bits, states]);
  const header = {
    sale,
    ...rest,
    bitsBytes: bits.length,
    statesBytes: states.length,
    digest: createHash('sha256').update(body).digest('hex'),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

function unpack(bytes: Buffer): { sale: string; memory: QueueMemory } {
  const end = bytes.indexOf(10);
  const { sale, bitsBytes, statesBytes, digest, ...rest } = Header.parse(
    JSON.parse(bytes.subarray(0, end).toString()),
  );
  const body = bytes.subarray(end + 1);
  if (body.length !== bitsBytes + statesBytes || createHash('sha256').update(body).digest('hex') !== digest)
    throw new Error('the file is not whole');
  return { sale, memory: { ...rest, bits: body.subarray(0, bitsBytes), states: body.subarray(bitsBytes) } };
}
