import type { Given } from './env.ts';
import { secretsOf } from './secrets.ts';

export const SECRET_LENGTH_MIN = 32;
/** Fewer different characters are no random secret: 32 random hexadecimal digits have 14, rarely 10. */
const SECRET_CHARACTERS_MIN = 8;
const PLACEHOLDER =
  /change.?me|secret|password|passwort|default|example|placeholder|organiser|admit.?one|12345678|abcdefgh/i;
/** 10.0.0.0/8 is somebody's own network; anything wider is everybody's. */
const TRUSTED_BITS_MIN = { ipv4: 8, ipv6: 7 };
/** These make libraries print what they send (tokens, keys), or let others read a process' memory. */
const DEBUG_SWITCHES = ['DEBUG', 'NODE_DEBUG', 'NODE_DEBUG_NATIVE'];
const INSPECTOR = /--(?:inspect|heapsnapshot|report|trace-tls|tls-keylog|security-revert)/;

/**
 * What would be dangerous with NODE_ENV=production: sentences that say what to set, each behind its variable's name. Only of
 * variables that the service uses, and of what is true of every process. None of them quotes a secret.
 */
export function dangersInProduction(given: Given, used: readonly string[]): string[] {
  if (given.NODE_ENV !== 'production') return [];
  const rules: Record<string, (value: string | undefined) => string | false | undefined> = {
    PUBLIC_URL: (url) =>
      !url?.startsWith('https:') &&
      'must be the https address that fans use, or their cookies can be read on the way',
    TRUSTED_PROXIES: (text) =>
      (text === undefined &&
        'must name the proxies that speak https in front of the gateway, or all fans are one address to its limits') ||
      (text?.split(',').some(isEverybody) &&
        'must name your own proxies only, or anybody can write the address that limits count'),
    RATE_LIMITS: (text) =>
      /(?:^|=)\s*off\b/.test(text ?? '') &&
      'must not switch limits off; leave it empty, or set higher ones (joins=500/50000)',
    SMTP_URL: (url) => url === undefined && 'must be set in production, or no ticket reaches anybody',
    MAIL_FROM: (from) =>
      (from === undefined || /\.(?:example|invalid|test|localhost)>?\s*$/.test(from)) &&
      'must be a sender of your own domain, or mail servers refuse the tickets',
    TEST_PAYMENTS: (value) =>
      value !== 'on' &&
      'only the test provider is built in, which takes no money; put yours in its place (booking-service/payment/provider.ts), or set it to on for a rehearsal',
  };
  const faults = Object.entries(rules).flatMap(([name, rule]) => {
    const why = used.includes(name) && rule(given[name]);
    return why ? [`${name}: ${why}`] : [];
  });
  return [...faults, ...weakSecrets(given, used), ...debugSwitches(given)];
}

/** Every secret by the name of its variable; of lists each one. */
function secretsIn(given: Given, used: readonly string[]): { name: string; secret: string }[] {
  const all = (name: string, text = given[name] ?? '') =>
    used.includes(name) ? secretsOf(text).map((secret) => ({ name, secret })) : [];
  const keys = (given.ORGANISER_KEYS ?? '').replaceAll(/(^|,)[^:,]*:/g, '$1');
  return [
    ...all('QUEUE_TICKET_SECRET'),
    ...all('INTERNAL_SECRET'),
    ...all('ORGANISER_KEY'),
    ...all('ORGANISER_KEYS', keys),
  ].filter(({ secret }) => secret !== '');
}

function weakSecrets(given: Given, used: readonly string[]): string[] {
  const secrets = secretsIn(given, used);
  return secrets.flatMap(({ name, secret }, i) => {
    const faults: string[] = [];
    // One that is too short is told of anyway.
    const isLong = secret.length >= SECRET_LENGTH_MIN;
    if (isLong && (new Set(secret).size < SECRET_CHARACTERS_MIN || PLACEHOLDER.test(secret))) {
      faults.push(`${name}: can be guessed; set a random one (npm run new-keys)`);
    }
    const twin = secrets.slice(0, i).find((other) => other.secret === secret);
    if (twin) faults.push(`${name}: is the same as ${twin.name}; each must be a secret of its own`);
    return faults;
  });
}

function debugSwitches(given: Given): string[] {
  const faults = DEBUG_SWITCHES.filter((name) => given[name] !== undefined).map(
    (name) => `${name}: must not be set, or libraries print tokens and keys`,
  );
  if (INSPECTOR.test(`${given.NODE_OPTIONS ?? ''} ${process.execArgv.join(' ')}`)) {
    faults.push('NODE_OPTIONS: must not open a debugger or write memory, which holds every secret');
  }
  if (given.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    faults.push('NODE_TLS_REJECT_UNAUTHORIZED: must not be 0, or anybody can pose as a server of yours');
  }
  return faults;
}

function isEverybody(network: string): boolean {
  const [address = '', bits] = network.trim().split('/');
  const isNarrow =
    bits === undefined || Number(bits) >= TRUSTED_BITS_MIN[address.includes(':') ? 'ipv6' : 'ipv4'];
  return address !== '' && !isNarrow;
}
