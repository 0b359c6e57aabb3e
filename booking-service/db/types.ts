import type postgres from 'postgres';

/** Object ids of PostgreSQL's own types never change (pg_type.dat). */
const INT4_ARRAY = 1007;
const TEXT_ARRAY = 1009;
const FLOAT8_ARRAY = 1022;

const numbers = {
  serialize: (values: readonly (number | null)[]) => `{${values.map((value) => value ?? 'NULL').join(',')}}`,
  parse: (text: string) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number)),
};

const quoted = (text: string | null): string => {
  if (text === null) return 'NULL';
  // Ids, which most of them are, have nothing in them that is to be escaped.
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
};

/**
 * How arrays travel. The driver could ask each new connection for its array types, but when a backend dies during that
 * question nothing catches the rejection, and the process ends.
 */
export const arrayTypes: Record<'intArray' | 'floatArray' | 'textArray', postgres.PostgresType> = {
  intArray: { to: INT4_ARRAY, from: [INT4_ARRAY], ...numbers },
  floatArray: { to: FLOAT8_ARRAY, from: [FLOAT8_ARRAY], ...numbers },
  textArray: {
    to: TEXT_ARRAY,
    from: [],
    serialize: (values: readonly (string | null)[]) => `{${values.map(quoted).join(',')}}`,
    parse: (text: string) => text,
  },
};
