import fc from 'fast-check';
import { anything, type Known, nearly, type Schema } from './values.ts';

type Parameter = { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema };

/** What is used of an OpenAPI operation. */
type OperationObject = {
  security: Record<string, unknown>[];
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: ProblemSchema }> }>;
};
type ProblemSchema = { allOf?: { properties?: { code?: { enum?: string[] } } }[] };
export type Document = { paths: Record<string, Record<string, OperationObject>> };

export type Operation = OperationObject & { path: string; method: string };

/** One request as it is sent. */
export type Asked = {
  operation: Operation;
  path: string;
  headers: Record<string, string>;
  body: string | null;
};

/** What the shop that is fuzzed has: credentials by the name of their security scheme, and texts by the names of fields. */
export type World = { credentials: Record<string, readonly string[]>; known: Known };

export const operationsOf = (document: Document): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      path,
      method: method.toUpperCase(),
    })),
  );

/** As a text whatever it is: an object may have a `toString` of its own, which is none. */
const textOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** Node writes no others, and a header that cannot be sent is no request. */
const headerText = (value: unknown): string =>
  textOf(value)
    .replace(/[^\t\x20-\x7e\xa0-\xff]/g, '?')
    .slice(0, 1_000)
    .trim();

/** Half-made surrogates cannot be written into an address. */
const wellFormed = (value: unknown): string => Buffer.from(textOf(value)).toString();
const escaped = (value: unknown): string => encodeURIComponent(wellFormed(value));

/** Requests of an operation: near what the document says of it, and far from it. */
export function requestsOf(operation: Operation, { credentials, known }: World): fc.Arbitrary<Asked> {
  const parameters = operation.parameters.map((parameter) => {
    const values = nearly(parameter.schema, known, parameter.name);
    const isGiven = parameter.required || parameter.in === 'path';
    return fc.record({
      parameter: fc.constant(parameter),
      value: isGiven ? fc.oneof({ weight: 30, arbitrary: values }, anything) : fc.option(values),
    });
  });
  const schema = operation.requestBody?.content['application/json']?.schema;
  const json = (values: fc.Arbitrary<unknown>) => values.map((value) => JSON.stringify(value) ?? '');
  const bodies: fc.Arbitrary<string | null> =
    schema === undefined
      ? fc.option(json(anything), { freq: 8 })
      : fc.oneof(
          { weight: 12, arbitrary: json(nearly(schema, known)) },
          { weight: 1, arbitrary: json(anything) },
          { weight: 1, arbitrary: json(nearly(schema, known)).map((text) => text.slice(0, text.length / 2)) },
          { weight: 1, arbitrary: fc.constantFrom(null, '', '{', '"', '[]'.repeat(50), '1e999', 'a=b&c=d') },
        );
  return fc
    .record({
      given: fc.tuple(...parameters),
      body: operation.method === 'GET' ? fc.constant(null) : bodies,
      authorization: authorizations(operation, credentials),
      more: strangeHeaders,
      query: fc.option(
        fc.dictionary(fc.constantFrom('status', 'limit', 'after', 'x', '__proto__'), anything),
        {
          freq: 10,
        },
      ),
    })
    .map(({ given, body, authorization, more, query }) => {
      let path = operation.path;
      const search = new URLSearchParams();
      const headers: Record<string, string> = {
        ...(body === null ? {} : { 'content-type': 'application/json' }),
        ...more,
        ...(authorization === null ? {} : { authorization: headerText(authorization) }),
      };
      for (const { parameter, value } of given) {
        if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, () => escaped(value));
        else if (value === null) continue;
        else if (parameter.in === 'query') search.append(parameter.name, wellFormed(value));
        else headers[parameter.name] = headerText(value);
      }
      for (const [name, value] of Object.entries(query ?? {}))
        search.append(name, wellFormed(JSON.stringify(value)));
      const target = search.size > 0 ? `${path}?${search}` : path;
      return { operation, path: target.slice(0, 4_000), headers, body };
    });
}

function authorizations(
  { security }: Operation,
  credentials: World['credentials'],
): fc.Arbitrary<string | null> {
  const [needed] = security.flatMap((scheme) => Object.keys(scheme));
  const all = Object.values(credentials).flat();
  const bearer = (token: string) => `Bearer ${token}`;
  const changed = fc
    .tuple(fc.constantFrom(...all), fc.nat(), fc.constantFrom('A', '_', '.', '=', ' ', ''))
    .map(([token, at, by]) => {
      const place = at % token.length;
      return bearer(`${token.slice(0, place)}${by}${token.slice(place + 1)}`);
    });
  const right = needed ? fc.constantFrom(...(credentials[needed] ?? [])).map(bearer) : fc.constant(null);
  return fc.oneof(
    { weight: 8, arbitrary: right },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(...all).map(bearer) },
    { weight: 1, arbitrary: changed },
    { weight: 1, arbitrary: anything.map(textOf) },
  );
}

const strangeHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.dictionary(
      fc.constantFrom(
        ...[
          'accept',
          'accept-language',
          'accept-encoding',
          'content-type',
          'cookie',
          'origin',
          'prefer',
          'range',
        ],
        ...[
          'if-none-match',
          'if-modified-since',
          'last-event-id',
          'idempotency-key',
          'sec-fetch-site',
          'forwarded',
        ],
        ...['x-forwarded-for', 'x-forwarded-host', 'x-internal-key', 'x-internal-admission', 'x-request-id'],
        ...['x-http-method-override', 'user-agent'],
      ),
      fc
        .oneof(
          anything,
          fc.constantFrom(
            '*/*',
            'text/html',
            'cross-site',
            'null',
            '*',
            'W/"a"',
            'respond-async',
            '203.0.113.7',
          ),
        )
        .map(headerText),
      { maxKeys: 4 },
    ),
  },
);

/** The request as somebody would make it by hand. */
export function asCurl(origin: string, { operation, path, headers, body }: Asked): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  return [
    `curl -i --path-as-is -X ${operation.method}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === null ? [] : [`--data-binary ${quoted(body)}`]),
    quoted(`${origin}${path}`),
  ].join(' ');
}
