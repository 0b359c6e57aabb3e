import { type Attack, admittedBy, authorization, both, gateway, request } from './attack.ts';
import type { Forger } from './forged-tokens.ts';
import type { World } from './world.ts';

const REFUSED = both('401 token-invalid');

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** The seats, by whoever this token is believed to be. */
const seatsBy =
  (tokenOf: (world: World) => string): Attack['send'] =>
  (world, at) =>
    request('GET', `/api/sales/${world.sale}/seats?limit=1`, admittedBy(tokenOf(world), world, at));

const forged = (
  row: Attack['row'],
  name: string,
  tokenOf: (forger: Forger, world: World) => string,
): Attack => ({
  row,
  name,
  send: seatsBy((world) => tokenOf(world.forger, world)),
  answers: REFUSED,
});

/** The attacker's own token, spelled otherwise. */
const respelled = (row: Attack['row'], name: string, respell: (parts: string[]) => string): Attack =>
  forged(row, name, (_, { attacker }) => respell(attacker.admissionToken.split('.')));

/** Another character for the last of a signature that stands for the same bits: the lowest four of its six mean nothing. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const sameBits = (signature: string): string =>
  signature.slice(0, -1) + ALPHABET[ALPHABET.indexOf(signature.at(-1) as string) + 1];
const flipped = (signature: string): string => (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1);

/** Where a signature has several spellings they are one admission: what is written stays the same. */
const sameAdmission = (name: string, respell: (signature: string) => string): Attack => ({
  row: 24,
  name: `${name}: the same admission`,
  send: seatsBy(({ attacker }) => {
    const [header, payload, signature] = attacker.admissionToken.split('.');
    return `${header}.${payload}.${respell(signature as string)}`;
  }),
  answers: both('200'),
  reaches: 1,
});

/**
 * Rows 15 to 24, each against the door and against the booking service as if the door had been passed. Single claims and
 * headers besides: shared/admission-token.test.ts, booking-service/caller/caller.test.ts.
 */
export const tokens: Attack[] = [
  ...['none', 'None', 'nOnE', ''].map((alg) => forged(15, `alg "${alg}"`, (forger) => forger.unsigned(alg))),
  ...(['PEM', 'DER', 'JWK', 'raw'] as const).map((form) =>
    forged(16, `HS256 keyed with the public key as ${form}`, (forger) => forger.hmacWith(form)),
  ),
  forged(17, 'its own key in jwk', (forger) => forger.byAStranger({ jwk: forger.strangersJwk })),
  forged(17, 'its own certificate in x5c', (forger) => forger.byAStranger({ x5c: ['AAAA'] })),
  // Asked at the trap that hostile-input.test.ts looks into afterwards.
  forged(17, 'the address of its keys in jku', (forger, { trap }) => forger.byAStranger({ jku: trap.url })),
  forged(17, 'the address of its certificate in x5u', (forger, { trap }) =>
    forger.byAStranger({ x5u: trap.url }),
  ),
  forged(17, 'the address of keys in a token that is signed by the right one', (forger, { trap }) =>
    forger.signed({}, { jku: trap.url }),
  ),
  forged(17, 'the public key in a token that is signed by it', (forger) =>
    forger.signed({}, { jwk: forger.publicJwk }),
  ),
  ...['../../etc/passwd', "' or 1=1 --", '__proto__', 'constructor', 'unknown', '', 'a'.repeat(300)].map(
    (kid) => forged(18, `kid ${JSON.stringify(kid.slice(0, 20))}`, (forger) => forger.byAStranger({ kid })),
  ),
  forged(18, 'no kid, and the right key', (forger) => forger.signed({}, { kid: undefined })),
  respelled(19, 'no signature', ([header, payload]) => `${header}.${payload}.`),
  respelled(19, 'two parts', ([header, payload]) => `${header}.${payload}`),
  respelled(
    19,
    'a flipped signature',
    ([header, payload, signature]) => `${header}.${payload}.${flipped(signature as string)}`,
  ),
  forged(19, 'a signature from another token', (forger, { attacker }) => {
    const [header, payload] = forger.signed({}).split('.');
    return `${header}.${payload}.${attacker.admissionToken.split('.')[2]}`;
  }),
  forged(19, 'a stranger’s signature', (forger) => forger.byAStranger()),
  forged(20, 'no exp', (forger) => forger.signed({ exp: undefined })),
  forged(20, 'exp as text', (forger) => forger.signed({ exp: String(nowSeconds() + 900) })),
  forged(20, 'exp in the past', (forger) => forger.signed({ exp: nowSeconds() - 130 })),
  forged(20, 'exp at the end of numbers', (forger) => forger.signed({ exp: 1e308 })),
  forged(21, 'iat in the future', (forger) => forger.signed({ iat: nowSeconds() + 300 })),
  forged(21, 'nbf in the future', (forger) => forger.signed({ nbf: nowSeconds() + 300 })),
  forged(22, 'another sale', (forger, { otherSale }) => forger.signed({ sale: otherSale })),
  forged(22, 'another aud', (forger) => forger.signed({ aud: 'admit-one/gateway' })),
  forged(22, 'several auds', (forger) => forger.signed({ aud: ['admit-one/booking'] })),
  forged(22, 'another iss', (forger) => forger.signed({ iss: 'https://evil.example' })),
  forged(22, 'another typ', (forger) => forger.signed({}, { typ: 'JWT' })),
  forged(22, 'a queue ticket as an admission', (_, { attacker }) => attacker.queueTicket),
  {
    row: 22,
    name: 'an admission as a queue ticket',
    send: ({ sale, attacker }) =>
      request('GET', `/api/sales/${sale}/queue/me?version=0`, [authorization(attacker.admissionToken)]),
    answers: gateway('401 token-invalid'),
  },
  {
    row: 22,
    name: 'a queue ticket of another sale',
    send: ({ sale, attacker }) =>
      request('POST', `/api/sales/${sale}/queue/me/claim`, [authorization(attacker.otherQueueTicket)]),
    answers: gateway('401 token-invalid'),
  },
  { ...forged(23, 'a token of 1 MB', () => 'a'.repeat(1_000_000)), answers: both('431 headers-too-large') },
  forged(23, 'a token of 2 KB', (_, { attacker }) => attacker.admissionToken + 'A'.repeat(1_500)),
  forged(23, 'a JWE', () => {
    const header = Buffer.from('{"alg":"dir","enc":"A128GCM","typ":"admission+jwt"}').toString('base64url');
    return `${header}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`;
  }),
  respelled(
    24,
    'a signature in plain base64',
    ([header, payload, signature]) =>
      `${header}.${payload}.${signature?.replaceAll('-', '+').replaceAll('_', '/')}=`,
  ),
  respelled(24, 'a further part', (parts) => `${parts.join('.')}.`),
  sameAdmission('padding', (signature) => `${signature}==`),
  sameAdmission('a last character that stands for the same bits', sameBits),
  {
    row: 'also',
    name: 'the right token twice',
    send: ({ sale, attacker }) =>
      request('GET', `/api/sales/${sale}/seats`, Array(2).fill(authorization(attacker.admissionToken))),
    answers: gateway('401 token-invalid'),
  },
  {
    row: 'also',
    name: 'a token that is not a bearer’s',
    send: ({ sale, attacker }) =>
      request('GET', `/api/sales/${sale}/seats`, [`Authorization: Basic ${attacker.admissionToken}`]),
    answers: gateway('401 token-invalid'),
  },
];
