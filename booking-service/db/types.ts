import type postgres from 'postgres';

/** Object ids of PostgreSQL's own types never change (pg_type.dat). */
const INT4_ARRAY = 1007;
const TEXT_ARRAY = 1009;

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/**
 * How arrays travel. The driver could ask each new connection for its array types, but when a backend dies during that
 * question nothing catches the rejection, and the process ends.
 */
export const arrayTypes: Record<'intArray' | 'textArray', postgres.PostgresType> = {
  intArray: {
    to: INT4_ARRAY,
    from: [INT4_ARRAY],
    serialize: (values: readonly number[]) => `{${values.join(',')}}`,
    parse: (text: string) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number)),
  },
  textArray: {
    to: TEXT_ARRAY,
    from: [],
    serialize: (values: readonly string[]) => `{${values.map(quoted).join(',')}}`,
    parse: (text: string) => text,
  },
};
