import { z } from 'zod';
import { type ProblemCode, problems } from '../problem.ts';
import { type Operation, operations } from './operations.ts';

const securitySchemes = {
  queueTicket: {
    type: 'http',
    scheme: 'bearer',
    description: 'The queue ticket; or the sale’s queue cookie.',
  },
  admissionToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The admission token; or the sale’s admission cookie.',
  },
  organiserKey: { type: 'http', scheme: 'bearer', description: 'An organiser’s key.' },
};

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

const parameters = (place: 'query' | 'header', schema: z.ZodObject | undefined) => {
  const { properties = {}, required = [] } = schema ? schemaOf(schema, 'input') : {};
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
};

const pathParameters = (path: string) =>
  [...path.matchAll(/{([a-z]+)}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

const mediaTypes: Record<string, string> = {
  'text/html': 'A page',
  'text/event-stream': 'Server-sent events',
};

const answerOf = (answer: z.ZodType | string | null) => {
  if (answer === null) return { description: 'No body' };
  if (typeof answer === 'string') {
    return { description: mediaTypes[answer] ?? 'A file', content: { [answer]: {} } };
  }
  return {
    description: 'The answer',
    content: { 'application/json': { schema: schemaOf(answer, 'output') } },
  };
};

/** One response per status; the codes that travel with it are listed in its schema. */
function problemAnswers(codes: ProblemCode[]) {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = problems[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: ofStatus.map((code) => `\`${code}\`: ${problems[code].title}`).join('; '),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: ofStatus } } }],
            },
          },
        },
      },
    ]),
  );
}

const describe = (operation: Operation) => ({
  summary: operation.summary,
  security: operation.credential === 'none' ? [] : [{ [operation.credential]: [] }],
  parameters: [
    ...pathParameters(operation.path),
    ...parameters('query', operation.query),
    ...parameters('header', operation.headers),
  ],
  ...(operation.body
    ? { requestBody: { content: { 'application/json': { schema: schemaOf(operation.body, 'input') } } } }
    : {}),
  responses: {
    ...Object.fromEntries(
      Object.entries(operation.answers).map(([status, answer]) => [status, answerOf(answer)]),
    ),
    ...problemAnswers(operation.codes),
  },
});

/** The contract as OpenAPI 3.1, made from the very schemas that validate it. */
export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Admit One',
    version: '1',
    description:
      'A virtual waiting room and the booking behind it. Times are ISO 8601 in UTC, amounts in minor units.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  paths: Object.fromEntries(
    [...new Set(operations.map((operation) => operation.path))].map((path) => [
      path,
      Object.fromEntries(
        operations
          .filter((operation) => operation.path === path)
          .map((operation) => [operation.method, describe(operation)]),
      ),
    ]),
  ),
  components: {
    securitySchemes,
    schemas: {
      Problem: {
        type: 'object',
        description: 'RFC 9457',
        required: ['type', 'title', 'status', 'code', 'detail'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          code: { type: 'string', enum: Object.keys(problems) },
          detail: { type: 'string' },
          errors: {
            type: 'array',
            items: {
              type: 'object',
              required: ['field', 'message'],
              properties: { field: { type: 'string' }, message: { type: 'string' } },
            },
          },
          conflicts: { type: 'array', items: { type: 'string' } },
          version: { type: 'integer' },
        },
      },
    },
  },
};
