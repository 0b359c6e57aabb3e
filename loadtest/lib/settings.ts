/** A whole number from the environment (`npm run loadtest -- NAME --fans 100`, `k6 run -e FANS=100 …`). */
export function setting(name: string, byDefault: number, min: number, max: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} is ${text}; it must be a whole number from ${min} to ${max}.`);
}

/** Where the shop is; the launcher sets it. */
export const shopUrl = (__ENV.SHOP || 'http://127.0.0.1:3000').replace(/\/+$/, '');
export const organiserKey = __ENV.ORGANISER_KEY || '';

/** Longer than the shop may take for anything; what takes longer counts as unanswered. */
export const ANSWER_TIMEOUT = '20s';
