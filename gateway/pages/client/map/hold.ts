// Holding seats by the API, with a key of its own for each attempt, so that asking again after a lost answer holds them once.

export type Held =
  | { outcome: 'held' }
  | { outcome: 'taken'; conflicts: string[] }
  | { outcome: 'limit' | 'refused' | 'unheard' }
  /** The shop does not know this fan any more. */
  | { outcome: 'outside' };

const ANSWER_MS_MAX = 15_000;
const TRIES = 3;
const RETRY_MS = 800;
const KEY_BYTES = 16;

const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

let attempt = { seats: '', key: '' };

export async function holdSeats(url: string, seats: readonly string[]): Promise<Held> {
  const name = [...seats].sort().join(' ');
  if (attempt.seats !== name) attempt = { seats: name, key: newKey() };
  for (let i = 0; i < TRIES; i += 1) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, i * RETRY_MS * (1 + Math.random())));
    const answer = await ask(url, seats, attempt.key);
    if (answer.outcome === 'unheard') continue;
    attempt = { seats: '', key: '' };
    return answer;
  }
  // The key is kept: the next press is the same attempt.
  return { outcome: 'unheard' };
}

async function ask(url: string, seats: readonly string[], key: string): Promise<Held> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ seats }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    if (response.status === 201) return { outcome: 'held' };
    if (response.status === 429 || response.status >= 500) return { outcome: 'unheard' };
    const { code, conflicts = [] } = (await response.json()) as { code?: string; conflicts?: string[] };
    if (code === 'seats-taken') return { outcome: 'taken', conflicts };
    if (code === 'limit-reached') return { outcome: 'limit' };
    const isOutside = response.status === 401 || response.status === 404 || code === 'already-finished';
    return { outcome: isOutside ? 'outside' : 'refused' };
  } catch {
    return { outcome: 'unheard' };
  }
}
