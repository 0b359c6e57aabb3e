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

/** Files of this folder made for a browser, by name; `define` sets constants, and what they rule out is left away. */
function made<Name extends string>(
  files: Record<Name, string>,
  define: Record<string, string> = {},
): Record<Name, string> {
  const { outputFiles } = buildSync({
    // Named from their folder, for esbuild takes `*` in a path for a pattern.
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    entryPoints: Object.entries<string>(files).map(([out, file]) => ({ in: `./${file}`, out })),
    outdir: '.',
    bundle: true,
    minify: true,
    format: 'iife',
    write: false,
    define,
    // A module's code is strict in any case where it matters: the directive would only weigh.
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  });
  const named = outputFiles.map(({ path, text }) => [basename(path, extname(path)), text.trim()]);
  return Object.fromEntries(named) as Record<Name, string>;
}

const inlined = <Name extends string>(texts: Record<Name, string>) =>
  Object.fromEntries(Object.entries<string>(texts).map(([name, text]) => [name, inline(text)])) as Record<
    Name,
    Inline
  >;

const shell = (define: Record<'HAS_CLOCK' | 'HAS_OPENING', 'true' | 'false'>): InlineScript =>
  inline(made({ shell: 'client/shell.ts' }, define).shell);

export const scripts = {
  ...inlined(
    made({
      console: 'client/console.ts',
      /** Nothing but the clock. */
      countdown: 'client/countdown.ts',
      draw: 'client/draw.ts',
      /** Nothing but the key of the form. */
      joinKey: 'client/join-key.ts',
      order: 'client/order.ts',
      place: 'client/place.ts',
      print: 'client/print.ts',
      seats: 'client/seats.ts',
      /** With the clocks of the lobby and of a turn, which is claimed by itself. */
      turn: 'client/turn.ts',
    }),
  ),
  shell: shell({ HAS_CLOCK: 'false', HAS_OPENING: 'false' }),
  shellBeforeLobby: shell({ HAS_CLOCK: 'true', HAS_OPENING: 'true' }),
  shellOfLobby: shell({ HAS_CLOCK: 'true', HAS_OPENING: 'false' }),
};

const css = made({
  base: 'base.css',
  page: 'style.css',
  shop: 'shop.css',
  shell: 'shell.css',
  console: 'console/console.css',
});

/** `base` is all that a light page has; any other has `page`. */
export const styles = inlined({ ...css, page: css.base + css.page });
