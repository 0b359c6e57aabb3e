import fc from 'fast-check';

/** A part of JSON Schema 2020-12: what zod renders. */
export type Schema = {
  type?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  pattern?: string;
};

type Values = fc.Arbitrary<unknown>;

const ITEMS_MAX = 6;
const CHARS_MAX = 40;

/** What has broken parsers, stores, logs and pages before. */
const hostileText = fc.constantFrom(
  ...[
    '',
    ' ',
    '\u0000',
    '\ud800',
    'é'.repeat(50),
    '\u202e',
    '__proto__',
    'constructor',
    'toString',
    'null',
    '-0',
  ],
  ...['1e400', '0x10', '../../internal', '..%2f..%2finternal', '%00', '%', "';--", '<script>1</script>'],
  ...[
    'a\r\nb: c',
    '{sale}',
    '*',
    '.',
    '..',
    '2026-02-30T25:61:61Z',
    '99999-01-01T00:00:00Z',
    'x'.repeat(5_000),
  ],
);
const hostileNumber = fc.constantFrom(
  ...[-1, 0, -0, 0.5, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 63), Number.MIN_VALUE],
);

/** Nothing that any schema had in mind. */
export const anything: Values = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 2, arbitrary: hostileNumber },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], [null], { toString: null }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: CHARS_MAX }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 500 }).map((depth) => nested(depth)) },
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i += 1) value = i % 2 ? [value] : { a: value };
  return value;
}

/** Texts that the shop knows, so that what is near a schema is near the shop's state too. */
export type Known = Record<string, readonly string[]>;

/** Values of a schema, and at some place now and then what it refuses. `name`: of the property it is for. */
export function nearly(schema: Schema, known: Known, name = ''): Values {
  return fc.oneof({ weight: 25, arbitrary: of(schema, known, name) }, { weight: 1, arbitrary: anything });
}

function of(schema: Schema, known: Known, name: string): Values {
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices) return fc.oneof(...choices.map((choice) => nearly(choice, known, name)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objects(schema, known);
    case 'array': {
      const { items = {}, minItems = 0, maxItems = ITEMS_MAX } = schema;
      const most = Math.max(minItems, Math.min(maxItems, ITEMS_MAX));
      return fc.array(nearly(items, known, name), { minLength: minItems, maxLength: most });
    }
    case 'integer':
    case 'number':
      return numbers(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return texts(schema, known[name] ?? []);
  }
}

function objects({ properties = {}, required = [] }: Schema, known: Known): Values {
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, nearly(property, known, name)]),
  );
  const whole = fc.record(model, { requiredKeys: required.filter((key) => key in model) });
  const more = fc.dictionary(fc.constantFrom('price', 'status', 'owner', 'constructor', 'x'), anything, {
    maxKeys: 2,
  });
  return fc.oneof(
    { weight: 8, arbitrary: whole },
    { weight: 1, arbitrary: fc.tuple(whole, more).map(([own, extra]) => ({ ...own, ...extra })) },
    { weight: 1, arbitrary: fc.record(model, { requiredKeys: [] }) },
  );
}

function numbers({ type, minimum, exclusiveMinimum, maximum }: Schema): Values {
  const least = minimum ?? (exclusiveMinimum === undefined ? -10 : exclusiveMinimum + 1);
  const most = Math.max(least, Math.min(maximum ?? least + 1_000, Number.MAX_SAFE_INTEGER));
  const bounds = { min: Math.ceil(least), max: Math.floor(most) };
  const edges = fc.constantFrom(least, most, least - 1, most + 1);
  const small = fc.integer({ min: bounds.min, max: Math.min(bounds.max, bounds.min + 20) });
  return fc.oneof(small, fc.integer(bounds), edges, type === 'number' ? fc.double() : small);
}

function texts({ minLength = 0, maxLength = CHARS_MAX, pattern }: Schema, known: readonly string[]): Values {
  const length = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, CHARS_MAX)) };
  const free: Values[] = [fc.string({ ...length, unit: 'grapheme' }), fc.string(length)];
  const days = fc.integer({ min: -2, max: 400 });
  const later = days.map((n) => new Date(Date.UTC(2027, 0, 1) + n * 86_400_000).toISOString());
  if (pattern) free.push(fc.constantFrom('A', 'EUR', 'a@example.org', 'Europe/Berlin'), later);
  const some: Values[] = known.length > 0 ? [fc.constantFrom(...known)] : [];
  // What the shop knows comes more often than all else together: behind it there is more to find.
  return fc.oneof(...some.map((arbitrary) => ({ weight: 20, arbitrary })), ...free, later, hostileText);
}
