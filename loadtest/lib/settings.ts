/** A whole number from the environment (`npm run loadtest -- NAME --fans 100`, `k6 run -e FANS=100 …`). */
export function setting(name: string, byDefault: number, min: number, max: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} is ${text}; it must be a whole number from ${min} to ${max}.`);
}

const shopUrls = (__ENV.SHOP || 'http://127.0.0.1:3000').split(',').map((url) => url.replace(/\/+$/, ''));
/** How many addresses there are: of several gateways with nothing in front of them each has its own. */
export const gateways = shopUrls.length;
let asked = __VU;
/** Where the next request goes; the launcher sets where the shop is. Of several addresses one after another, as behind a proxy. */
export function shopUrl(): string {
  asked += 1;
  return shopUrls[asked % gateways] as string;
}
export const organiserKey = __ENV.ORGANISER_KEY || '';

/** Longer than the shop may take for anything; what takes longer counts as unanswered. */
export const ANSWER_TIMEOUT = '20s';

/** Where thousands of requests a second are sent, what k6 notes of each is a good part of its work: here only which it was. */
export const leanTags: 'name'[] = ['name'];
