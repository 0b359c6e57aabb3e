import fc from 'fast-check';
import { createLocalJWKSet } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type AdmissionTokenVerifier,
  bearerToken,
  createAdmissionTokenVerifier,
} from '#shared/admission-token.ts';
import { Problem } from '#shared/problem.ts';
import { admissionClaims, createSigner } from '../../booking-service/testing/signer.ts';
import { saleCookies } from '../../gateway/queue/credentials.ts';
import { createTicketMint, QUEUE_TICKET_LENGTH_MAX } from '../../gateway/queue/ticket.ts';

/*
 * Parsers of credentials are given good ones changed byte by byte: nothing is accepted that does not say the very same, and
 * nothing is thrown that is not the refusal. fast-check prints the seed of what fails.
 */
const secret = 'a secret of at least thirty-two characters';
const mint = createTicketMint(secret);
const RUNS = 1_500;

/** One change, or a few, of the kinds that parsers have been fooled by. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('replace'), at: fc.nat(), by: fc.string({ unit: 'binary', maxLength: 2 }) }),
  fc.record({
    kind: fc.constant('insert'),
    at: fc.nat(),
    by: fc.constantFrom('.', '=', ' ', '\n', '\u0000', '0', 'A', '+'),
  }),
  fc.record({ kind: fc.constant('flip'), at: fc.nat(), by: fc.constantFrom('\u0001', '\u0020', '\u0080') }),
  fc.record({ kind: fc.constant('drop'), at: fc.nat(), by: fc.constant('') }),
  fc.record({ kind: fc.constant('double'), at: fc.nat(), by: fc.constant('') }),
  fc.record({ kind: fc.constant('swap'), at: fc.nat(), by: fc.constant('') }),
  fc.record({ kind: fc.constant('cut'), at: fc.nat(), by: fc.constant('') }),
);
type Change = { kind: string; at: number; by: string };

function changed(text: string, changes: readonly Change[]): string {
  let now = text;
  for (const { kind, at, by } of changes) {
    const place = now.length === 0 ? 0 : at % now.length;
    const [before, here, after] = [now.slice(0, place), now.slice(place, place + 1), now.slice(place + 1)];
    const flipped = String.fromCharCode((here.charCodeAt(0) || 0) ^ by.charCodeAt(0));
    const forms: Record<string, string> = {
      ...{ replace: before + by + after, insert: before + by + here + after, flip: before + flipped + after },
      ...{ drop: before + after, double: before + here + here + after, cut: before },
      swap: before + after.slice(0, 1) + here + after.slice(1),
    };
    now = forms[kind] ?? now;
  }
  return now;
}
const changes = fc.array(change, { minLength: 1, maxLength: 3 });

describe('a queue ticket', () => {
  const tickets = fc.record({
    sale: fc.constantFrom('demo', 'VQjYAeGDfE8', '-', 'a'.repeat(20)),
    entry: fc.constantFrom('AAAAAAAAAAA', 'zzzzzzzzzz_'),
    queueNumber: fc.option(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    epoch: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  });

  test('that was changed anywhere is none, whether or not the true one was seen before', () => {
    fc.assert(
      fc.property(tickets, changes, fc.boolean(), (ticket, how, isKnown) => {
        const text = mint.sign(ticket);
        if (isKnown) expect(mint.verify(text)).toEqual(ticket);
        const other = changed(text, how);
        expect(mint.verify(other)).toEqual(other === text ? ticket : null);
      }),
      { numRuns: RUNS },
    );
  });

  test('is none in any other bytes of its alphabet', () => {
    const alphabet = fc.constantFrom(...'q2.0123456789aA-_=');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: QUEUE_TICKET_LENGTH_MAX + 5 }), (text) => {
        expect(mint.verify(text)).toBeNull();
        expect(mint.verify(`q2.${text}`)).toBeNull();
      }),
      { numRuns: RUNS },
    );
  });
});

describe('an admission token', () => {
  let verify: AdmissionTokenVerifier;
  let token: string;
  let claims: Record<string, unknown>;
  let sign: Awaited<ReturnType<typeof createSigner>>['sign'];
  beforeAll(async () => {
    const signer = await createSigner();
    sign = signer.sign;
    claims = admissionClaims('demo');
    token = await sign(claims);
    const keys = createLocalJWKSet({ keys: [signer.jwk] });
    verify = createAdmissionTokenVerifier({ keys, clock: () => Date.now(), toleranceSeconds: 0 });
  });
  /** What it says, or null where it is refused as it should be. */
  const read = async (text: string): Promise<unknown> => {
    try {
      return await verify(text);
    } catch (error) {
      if (error instanceof Problem && error.code === 'token-invalid') return null;
      throw error;
    }
  };

  test('that was changed anywhere says the same or is refused, and nothing else is thrown', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(changes, async (how) => {
        const other = changed(token, how);
        const said = await read(other);
        if (said !== null) expect(said).toEqual(claims);
        // A respelled signature is the same admission: whatever counts goes by its jti.
        if (said !== null && other !== token) accepted += 1;
        expect(verify.known(other)).toEqual(said);
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeLessThan(RUNS / 10);
  });

  test('whose parts are other JSON is refused, signed by us or not', async () => {
    const hostile = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('', '__proto__', 1e308, -1, 0.5, null, [], {}, ['demo'], 2 ** 53, '1'),
    );
    const names = fc.constantFrom(
      'iss',
      'aud',
      'sub',
      'jti',
      'sale',
      'iat',
      'exp',
      'ends',
      'number',
      'nbf',
      'admin',
      '__proto__',
    );
    await fc.assert(
      fc.asyncProperty(names, hostile, async (name, value) => {
        const signed = await sign({ ...claims, [name]: value }).catch(() => null);
        const said = signed === null ? null : await read(signed);
        if (said !== null)
          expect(Object.keys(said as object)).toEqual(expect.arrayContaining(['sub', 'jti', 'sale', 'exp']));
        const part = Buffer.from(JSON.stringify(value) ?? '').toString('base64url');
        for (const text of [
          `${part}.${part}.${part}`,
          token.replace(/^[^.]+/, part),
          token.replace(/\.[^.]+\./, `.${part}.`),
        ])
          expect(await read(text)).toBeNull();
      }),
      { numRuns: RUNS / 10 },
    );
  });

  test('and the header that carries it are read the same way, or not at all', () => {
    fc.assert(
      fc.property(changes, (how) => {
        const found = bearerToken(changed(`Bearer ${token}`, how));
        if (found !== null) expect(found).toMatch(/^[A-Za-z0-9._~+/=-]+$/);
      }),
      { numRuns: RUNS },
    );
  });
});

test('an admission’s cookie that was changed anywhere, and any header around it, opens nothing else', () => {
  const cookies = saleCookies({ secure: false, secret });
  const [cookie = ''] = cookies.writeAdmission('demo', 'the token', 'A browser').split(';', 1);
  fc.assert(
    fc.property(changes, fc.string(), (how, around) => {
      const other = changed(cookie, how);
      for (const header of [other, `${around}; ${other}`, `${other}; ${around}`]) {
        const read = cookies.readAdmission({ cookie: header, 'user-agent': 'A browser' }, 'demo');
        expect([null, 'the token']).toContain(read);
        if (read !== null) expect(header).toContain(cookie.slice('admission-demo='.length));
      }
    }),
    { numRuns: RUNS },
  );
});
