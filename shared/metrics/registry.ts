/**
 * What a process counts of itself, in Prometheus' text form (version 0.0.4). Counted are plain numbers where something
 * happens; text is made of them when somebody asks. They belong to the process, like its log: a module that counts something
 * names it once, beside where it happens.
 *
 * Label values are words of ours (a route's pattern, an outcome, a sale's id), never a fan, a seat or an address.
 */

/** Of one metric. The oldest gives way: of a process that has seen many sales the latest are told. */
const SERIES_MAX = 1_000;
/** What is read when asked (a gauge of the database) is waited for no longer. */
const READ_MS_MAX = 2_000;

/** From a poll's tenth of a millisecond to a payment's ten seconds. */
export const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Of items that go together in a call, 500 at most. */
export const ITEMS_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Values of the labels, in the order of their names, and the number. */
export type Sample = readonly [labels: readonly string[], value: number];

type Type = 'counter' | 'gauge' | 'histogram';
type Lines = string[];
type Family = { name: string; help: string; type: Type; lines: () => Lines | Promise<Lines> };

const families = new Map<string, Family>();

export type Counter = {
  /** One more of it. */
  count: (...labels: string[]) => void;
  add: (by: number, ...labels: string[]) => void;
};

export function counter(name: string, help: string, labels: readonly string[] = []): Counter {
  const series = createSeries(labels, () => ({ value: 0 }));
  register({
    name,
    help,
    type: 'counter',
    lines: () => series.all().map(([of, { value }]) => `${name}${of} ${value}`),
  });
  const add = (by: number, ...values: string[]) => {
    series.of(values).value += by;
  };
  return { add, count: (...values) => add(1, ...values) };
}

export type Histogram = { observe: (value: number, ...labels: string[]) => void };

export function histogram(
  name: string,
  help: string,
  labels: readonly string[] = [],
  bounds: readonly number[] = SECONDS_BUCKETS,
): Histogram {
  const series = createSeries(labels, () => ({
    counts: new Array<number>(bounds.length + 1).fill(0),
    sum: 0,
  }));
  const linesOf = ([of, { counts, sum }]: [string, { counts: number[]; sum: number }]): Lines => {
    const inner = of === '' ? '' : `${of.slice(1, -1)},`;
    let below = 0;
    const buckets = counts.map((count, i) => {
      below += count;
      return `${name}_bucket{${inner}le="${bounds[i] ?? '+Inf'}"} ${below}`;
    });
    return [...buckets, `${name}_sum${of} ${sum}`, `${name}_count${of} ${below}`];
  };
  register({ name, help, type: 'histogram', lines: () => series.all().flatMap(linesOf) });
  return {
    observe(value, ...values) {
      const one = series.of(values);
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
      one.counts[bucket] = (one.counts[bucket] as number) + 1;
      one.sum += value;
    },
  };
}

/** Read when asked. What cannot be read is left out, and counted (`admit_one_metrics_unread_total`). */
export function gauge(
  name: string,
  help: string,
  labels: readonly string[],
  read: () => readonly Sample[] | Promise<readonly Sample[]>,
): void {
  registerRead('gauge', name, help, labels, read);
}

/** The same for what is counted elsewhere and only ever rises. */
export function counted(name: string, help: string, read: () => number): void {
  registerRead('counter', name, help, [], () => [[[], read()]]);
}

const unread = counter('admit_one_metrics_unread_total', 'Metrics that could not be read when asked.', [
  'metric',
]);

function registerRead(
  type: Type,
  name: string,
  help: string,
  labels: readonly string[],
  read: () => readonly Sample[] | Promise<readonly Sample[]>,
): void {
  const lines = async () => {
    try {
      const samples = await within(READ_MS_MAX, read());
      return samples
        .slice(0, SERIES_MAX)
        .map(([values, value]) => `${name}${labelText(labels, values)} ${value}`);
    } catch {
      unread.count(name);
      return [];
    }
  };
  register({ name, help, type, lines });
}

/** Everything that this process counts. */
export async function exposition(): Promise<string> {
  const parts = await Promise.all(
    [...families.values()].map(async ({ name, help, type, lines }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...(await lines()),
    ]),
  );
  return `${parts.flat().join('\n')}\n`;
}

function register(family: Family): void {
  if (families.has(family.name)) throw new Error(`${family.name} is counted twice.`);
  families.set(family.name, family);
}

type Branch<One> = Map<string, Branch<One> | One>;

/** By their values, one after another: putting them together would make, and hash, a string each time. */
function createSeries<One extends object>(labels: readonly string[], make: () => One) {
  const tree: Branch<One> = new Map();
  const told = new Set<{ text: string; one: One; drop: () => void }>();
  const add = (values: readonly string[]): One => {
    // First, for it may be the last of the very branch that this one comes to.
    const [oldest] = told.size < SERIES_MAX ? [] : told;
    oldest?.drop();
    if (oldest) told.delete(oldest);
    let branch = tree;
    const way: [from: Branch<One>, by: string][] = [];
    for (const value of values.slice(0, -1)) {
      const next = (branch.get(value) as Branch<One> | undefined) ?? new Map();
      branch.set(value, next);
      way.push([branch, value]);
      branch = next;
    }
    way.push([branch, values.at(-1) ?? '']);
    const drop = () => {
      for (const [from, by] of way.toReversed()) {
        from.delete(by);
        if (from.size > 0) return;
      }
    };
    const made = { text: labelText(labels, values), one: make(), drop };
    told.add(made);
    branch.set(values.at(-1) ?? '', made.one);
    return made.one;
  };
  // What has no labels is told from the start: a rate needs its zero.
  const only = labels.length === 0 ? add([]) : null;
  return {
    of(values: readonly string[]): One {
      if (only) return only;
      let found: Branch<One> | One | undefined = tree;
      for (let i = 0; i < values.length && found !== undefined; i += 1)
        found = (found as Branch<One>).get(values[i] as string);
      return (found as One | undefined) ?? add(values);
    },
    all: (): [string, One][] => [...told].map(({ text, one }) => [text, one]),
  };
}

function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length !== values.length) throw new Error(`${names} have the values ${values}.`);
  if (names.length === 0) return '';
  return `{${names.map((name, i) => `${name}="${escaped(values[i] as string)}"`).join(',')}}`;
}

const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));

function within<Value>(ms: number, value: Value | Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, ms, new Error('late'));
  });
  return Promise.race([value, late]).finally(() => clearTimeout(timer)) as Promise<Value>;
}
