import { write, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { DestinationStream } from 'pino';

/** What cannot be written is kept so far, then lost and counted: a log is not worth a service's memory. */
const KEPT_BYTES_MAX = 256 * 1024;
const CHUNK_CHARACTERS_MAX = 64 * 1024;
/** A full disk or a pipe that nobody empties is tried again after this time. */
const RETRY_MS = 500;
const LAST_LINES_MS_MAX = 300;
/** A write that is under way for so long is to a handle that takes nothing. */
const STUCK_MS = 100;
const LOOK_MS = 10;

export type LogOutput = DestinationStream & {
  /** Resolves when everything is written, or cannot be for the moment; to be awaited before a process ends itself. */
  written: () => Promise<void>;
};

/**
 * Writes lines to a file handle without ever waiting for it: a full disk, or a reader that is gone or stuck, costs lines and
 * nothing else. pino's own writer ends the process at the first error that it does not know, and on the way waits for ever for
 * its lines to be written (sonic-boom 4.2, `flushSync`): a full disk stopped every service.
 */
export function createLogOutput(fd = 1): LogOutput {
  const lines: string[] = [];
  let keptBytes = 0;
  let lost = 0;
  let isWriting = false;
  /** When the write that is under way began; long ago when the last one failed. */
  let writingSince = Number.NEGATIVE_INFINITY;
  /** Taken from the lines, and not written to its end. */
  let chunk: Buffer = Buffer.alloc(0);

  const keep = (line: string): void => {
    lines.push(line);
    keptBytes += line.length;
  };

  const take = (): Buffer => {
    let characters = 0;
    let count = 0;
    while (count < lines.length && characters < CHUNK_CHARACTERS_MAX) {
      characters += (lines[count] as string).length;
      count += 1;
    }
    keptBytes -= characters;
    return Buffer.from(lines.splice(0, count).join(''));
  };

  const goOn = (): void => {
    if (chunk.length === 0) chunk = take();
    if (chunk.length === 0) {
      isWriting = false;
      return;
    }
    isWriting = true;
    writingSince = performance.now();
    write(fd, chunk, (error, written) => {
      if (error) {
        writingSince = Number.NEGATIVE_INFINITY;
        setTimeout(goOn, RETRY_MS).unref();
        return;
      }
      chunk = chunk.subarray(written);
      if (lost > 0) {
        keep(
          `${JSON.stringify({ level: 40, time: Date.now(), lost, msg: 'lines of this log were lost' })}\n`,
        );
        lost = 0;
      }
      goOn();
    });
  };

  // Of a process that ends at once, because something was thrown that nobody caught, say: its last lines tell why. The first of
  // them is mostly under way, and gets there. A handle that takes nothing would hold the process.
  process.once('exit', () => {
    if (isWriting && performance.now() - writingSince > STUCK_MS) return;
    try {
      let rest = Buffer.from(lines.join(''));
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    } catch {
      // There is nobody left to tell.
    }
  });

  return {
    write(line) {
      if (keptBytes + line.length > KEPT_BYTES_MAX) {
        lost += 1;
        return;
      }
      keep(line);
      if (!isWriting) goOn();
    },
    async written() {
      const until = performance.now() + LAST_LINES_MS_MAX;
      while (isWriting && performance.now() < until) await delay(LOOK_MS);
    },
  };
}
