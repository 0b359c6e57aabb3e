import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

// What pages carry to the browser. As every module that is named so, this one has run when the services have been built
// (infra/local/built-services.mjs): a gateway that starts reads what it exports.

/** As it stands in a page, with what the page's policy allows it by. */
type Inline = { source: string; hash: string };
/** A script for the browser, made from TypeScript. */
export type InlineScript = Inline;
/** A style sheet, made small. */
export type InlineStyle = Inline;

const inline = (source: string): Inline => ({
  source,
  hash: `'sha256-${createHash('sha256').update(source).digest('base64')}'`,
});

/** The files of this folder made for a browser, by their names; `define` sets constants, and what they rule out is left away. */
function made<File extends string>(files: readonly File[], define: Record<string, string> = {}) {
  const { outputFiles } = buildSync({
    // Named from their folder, for esbuild takes `*` in a path for a pattern.
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    entryPoints: files.map((file) => `./${file}`),
    outdir: '.',
    bundle: true,
    minify: true,
    format: 'iife',
    write: false,
    define,
    // A module's code is strict in any case where it matters: the directive would only weigh.
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  });
  const byName = new Map(outputFiles.map(({ path, text }) => [basename(path, extname(path)), text.trim()]));
  const of = (file: File): string => {
    const text = byName.get(basename(file, extname(file)));
    if (text === undefined) throw new Error(`esbuild made nothing of ${file}.`);
    return text;
  };
  return { of, inline: (file: File) => inline(of(file)) };
}

const script = made([
  'client/console.ts',
  'client/countdown.ts',
  'client/draw.ts',
  'client/join-key.ts',
  'client/order.ts',
  'client/place.ts',
  'client/print.ts',
  'client/seats.ts',
  'client/turn.ts',
]);
const shell = (define: Record<'HAS_CLOCK' | 'HAS_OPENING', 'true' | 'false'>): InlineScript =>
  made(['client/shell.ts'], define).inline('client/shell.ts');

export const scripts = {
  console: script.inline('client/console.ts'),
  /** Nothing but the clock. */
  countdown: script.inline('client/countdown.ts'),
  draw: script.inline('client/draw.ts'),
  /** Nothing but the key of the form. */
  joinKey: script.inline('client/join-key.ts'),
  order: script.inline('client/order.ts'),
  place: script.inline('client/place.ts'),
  print: script.inline('client/print.ts'),
  seats: script.inline('client/seats.ts'),
  shell: shell({ HAS_CLOCK: 'false', HAS_OPENING: 'false' }),
  shellBeforeLobby: shell({ HAS_CLOCK: 'true', HAS_OPENING: 'true' }),
  shellOfLobby: shell({ HAS_CLOCK: 'true', HAS_OPENING: 'false' }),
  /** With the clocks of the lobby and of a turn, which is claimed by itself. */
  turn: script.inline('client/turn.ts'),
} satisfies Record<string, InlineScript>;

const style = made(['base.css', 'style.css', 'shop.css', 'shell.css', 'console/console.css']);

export const styles = {
  /** What every page has that has any. */
  base: style.inline('base.css'),
  page: inline(style.of('base.css') + style.of('style.css')),
  shop: style.inline('shop.css'),
  shell: style.inline('shell.css'),
  console: style.inline('console/console.css'),
} satisfies Record<string, InlineStyle>;
