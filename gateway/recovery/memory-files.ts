import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { idPattern } from '#shared/ids.ts';
import type { Log } from '#shared/log.ts';
import { isBehind } from '../redis/heard.ts';
import type { QueueMemory } from './memory.ts';

export const FOLDER = 'queue-memory';
export const FOLDER_MODE = 0o700;
/** A draw's secret seed is in it. */
const FILE_MODE = 0o600;
/** What is older helps nobody any more: grace times are a day at most. */
const FILE_AGE_MS_MAX = 2 * 24 * 3_600_000;
/** As many as a folder may bring into a process; the newest of them. */
const FILES_MAX = 1_000;
const FILE_BYTES_MAX = 256 * 1024 * 1024;
/** Of two losses in a row a gateway may have seen the first only: what it remembers is of the epoch before. */
const EPOCHS_KEPT = 2;

const Header = z.strictObject({
  sale: z.string().regex(idPattern),
  mark: z.string(),
  epoch: z.int().min(1),
  version: z.int().min(0),
  moves: z.int().min(0),
  run: z.string(),
  runBeganAt: z.int().min(0),
  lastNumber: z.int().min(0),
  eras: z.string(),
  birth: z.string().default(''),
  longerAdmissions: z.string().default(''),
  draw: z.array(z.string()),
  bitsBytes: z.int().min(0),
  statesBytes: z.int().min(0),
  /** Files from before they had any are read. */
  codesBytes: z.int().min(0).default(0),
});

/** What gateways remember, on disk, so that it outlives them: a file a gateway and sale, replaced as a whole. */
export type MemoryFiles = {
  /**
   * What all gateways remembered of each sale, the newest first, of its last EPOCHS_KEPT epochs: each may know what no other
   * does. What cannot be read is reported and left out.
   */
  readAll: () => Promise<Map<string, QueueMemory[]>>;
  write: (sale: string, memory: QueueMemory) => Promise<void>;
};

/** `gateway` tells this process from the others that share the folder, and is the same when it starts again. */
export function memoryFiles(dataDir: string, gateway: string, log: Log): MemoryFiles {
  const folder = join(dataDir, FOLDER);
  const suffix = `.${createHash('sha256').update(gateway).digest('hex').slice(0, 12)}.memory`;

  return {
    async readAll() {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
      const memories = new Map<string, QueueMemory[]>();
      for (const path of await currentFiles(folder)) {
        try {
          const bytes = await unlessGone(readFile(path));
          if (!bytes) continue;
          const { sale, memory } = unpack(bytes);
          memories.set(sale, [...(memories.get(sale) ?? []), memory]);
        } catch (error) {
          log.warn({ err: error, path }, 'what a gateway remembered of a queue cannot be read');
        }
      }
      for (const [sale, ofSale] of memories) memories.set(sale, lastEpochs(ofSale));
      return memories;
    },
    async write(sale, memory) {
      const path = join(folder, `${sale}${suffix}`);
      const file = await open(`${path}.new`, 'w', FILE_MODE);
      try {
        await file.writeFile(pack(sale, memory));
        // A machine that goes down must not leave a new name without its contents.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
  };
}

function lastEpochs(memories: QueueMemory[]): QueueMemory[] {
  const sorted = memories.sort((a, b) => (isBehind(a, b) ? 1 : isBehind(b, a) ? -1 : 0));
  const last = Math.max(...memories.map(({ epoch }) => epoch));
  return sorted.filter(({ epoch }) => epoch > last - EPOCHS_KEPT);
}

/** Other gateways write and rename in the same folder: a file may be gone from one moment to the next. */
const unlessGone = <Value>(work: Promise<Value>): Promise<Value | null> =>
  work.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });

/** The newest first. Removes what is too old, left behind by a write that was cut off included. */
async function currentFiles(folder: string): Promise<string[]> {
  const files = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const known = await unlessGone(stat(path));
    if (!known) continue;
    const { mtimeMs, size } = known;
    const isOver = Date.now() - mtimeMs > FILE_AGE_MS_MAX;
    if (isOver) await rm(path, { force: true });
    else if (name.endsWith('.memory') && size <= FILE_BYTES_MAX) files.push({ path, mtimeMs });
  }
  return files
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .slice(0, FILES_MAX)
    .map(({ path }) => path);
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A line with the SHA-256 of all the rest, a line that describes it, and the bytes themselves. */
function pack(sale: string, { bits, states, codes, ...rest }: QueueMemory): Buffer {
  const lengths = { bitsBytes: bits.length, statesBytes: states.length, codesBytes: codes.length };
  const header = Buffer.from(`${JSON.stringify({ sale, ...rest, ...lengths })}\n`);
  const described = Buffer.concat([header, bits, states, codes]);
  return Buffer.concat([Buffer.from(`${digestOf(described)}\n`), described]);
}

function unpack(bytes: Buffer): { sale: string; memory: QueueMemory } {
  const digestEnd = bytes.indexOf(10);
  const described = bytes.subarray(digestEnd + 1);
  if (digestOf(described) !== bytes.subarray(0, digestEnd).toString())
    throw new Error('the file is not whole');
  const end = described.indexOf(10);
  const { sale, bitsBytes, statesBytes, codesBytes, ...rest } = Header.parse(
    JSON.parse(described.subarray(0, end).toString()),
  );
  const body = described.subarray(end + 1);
  const codesFrom = bitsBytes + statesBytes;
  if (body.length !== codesFrom + codesBytes) throw new Error('the file is not what it says');
  const [bits, states] = [body.subarray(0, bitsBytes), body.subarray(bitsBytes, codesFrom)];
  return { sale, memory: { ...rest, bits, states, codes: body.subarray(codesFrom) } };
}
