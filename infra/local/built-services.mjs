import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

/** What is run of the services, relative to the project. */
export const scripts = {
  migrate: 'booking-service/db/migrate-main.ts',
  seed: 'booking-service/seed-main.ts',
  gateway: 'gateway/main.ts',
  booking: 'booking-service/main.ts',
  worker: 'booking-service/worker-main.ts',
};

/** What packages that are CommonJS ask Node for. */
const REQUIRE = `import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);`;

const inNode = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  logLevel: 'warning',
};

/**
 * Makes one file of each script and everything that it imports, in a folder that may lie anywhere; resolves to their paths
 * under the same names. A gateway that reads one file is ready in a third of the time that it takes
 * to read and translate six hundred, and a killed one comes back so much sooner. Lua and SQL are read where they stand, so
 * that the files are good for this place only.
 */
export async function buildServices({ root, folder }) {
  // Loaded only now: a fresh clone has no packages yet.
  const { build, stop } = await import('esbuild');
  const building = build({
    absWorkingDir: root,
    entryPoints: scripts,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    banner: { js: REQUIRE },
    sourcemap: 'linked',
    sourcesContent: false,
    ...inNode,
    plugins: [madeNow, ownPlaces, besideItsPackage, ownLinesOnly],
  });
  // Its program would wait for more to do as long as this process lives.
  await building.finally(stop);
  return builtIn(folder);
}

/** Where they are in a folder in which they have been made. */
export const builtIn = (folder) =>
  Object.fromEntries(Object.keys(scripts).map((name) => [name, join(folder, `${name}.mjs`)]));

/**
 * A service needs a tenth of it. Where a heap may become larger V8 lets it grow to four times what lives before it looks what can
 * go, and its memory swings by as much; by this limit it is 1.6 times.
 */
const HEAP_MB_MAX = 1_024;

/** How Node is told to run a script, built or not. A limit of the heap in NODE_OPTIONS holds where the caller asks for none. */
export function nodeArgs(script, heapMbMax) {
  const isSet = /--max[-_]old[-_]space[-_]size/.test(process.env.NODE_OPTIONS ?? '');
  const heap = isSet && heapMbMax === undefined ? [] : [`--max-old-space-size=${heapMbMax ?? HEAP_MB_MAX}`];
  return [...heap, ...(script.endsWith('.ts') ? ['--import', 'tsx'] : ['--enable-source-maps']), script];
}

/**
 * A module named `*.made.ts` runs now, once, and its exports stand in the services as what came of them, as JSON: they take
 * longer to make than the rest of a service takes to start.
 */
const madeNow = {
  name: 'made now',
  setup(building) {
    building.onLoad({ filter: /\.made\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await building.esbuild.build({
        ...inNode,
        // Named from its folder, for esbuild takes `*` in a path for a pattern.
        absWorkingDir: dirname(path),
        entryPoints: [`./${basename(path)}`],
        write: false,
        plugins: [ownPlaces, besideItsPackage],
      });
      const made = `data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`;
      const exported = await import(made).catch((error) => {
        // Its stack has the whole module in it.
        throw new Error(`${basename(path)} could not be made: ${error.message}`);
      });
      const asJson = ([name, value]) => {
        const json = JSON.stringify(value);
        if (json === undefined || !isDeepStrictEqual(JSON.parse(json), value))
          throw new Error(`${basename(path)} exports ${name}, which would be something else as JSON.`);
        return `export const ${name} = ${json};`;
      };
      return { contents: withoutLines(Object.entries(exported).map(asJson).join('\n')), loader: 'js' };
    });
  },
};

/** Every file goes on knowing where it stood. */
const ownPlaces = {
  name: 'own places',
  setup(building) {
    building.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      return {
        loader: 'ts',
        // A function, for `$` in a path would be read as a pattern.
        contents: text.replaceAll('import.meta.url', () => JSON.stringify(pathToFileURL(path).href)),
      };
    });
  },
};

/** The pages' scripts and styles are made by it, and it is a program of its own beside its package. */
const besideItsPackage = {
  name: 'beside its package',
  setup(building) {
    building.onResolve({ filter: /^esbuild$/ }, ({ importer, path }) => ({
      path: pathToFileURL(createRequire(importer).resolve(path)).href,
      external: true,
    }));
  },
};

/**
 * Errors tell the lines of the project's files; of a package's they tell its file, always line 1, or the line in the service's one
 * file. A map of every word of packages would be most of the heap of a process in which any error has ever told its stack.
 */
const ownLinesOnly = {
  name: 'own lines only',
  setup(building) {
    building.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => ({
      loader: 'js',
      contents: withoutLines(await readFile(path, 'utf8')),
    }));
  },
};

/** Its source map has one place for the whole module. */
const withoutLines = (code) => `${code}\n//# sourceMappingURL=data:application/json;base64,${ONE_PLACE}`;
const ONE_PLACE = Buffer.from('{"version":3,"sources":[""],"mappings":"AAAA"}').toString('base64');
