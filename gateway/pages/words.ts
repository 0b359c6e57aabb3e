/** Words made of numbers and times, for the server's pages and their script alike. */

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
/** From here on minutes say more than anybody knows. */
const HOURS_FROM_SECONDS = 2 * HOUR_SECONDS;

export type Range = { lowSeconds: number; highSeconds: number };

/** A wait as an honest range, rounded outward; null: there is nothing to say yet. */
export function waitInWords(range: Range | null): string {
  if (range === null) return 'We cannot say yet how long it takes.';
  const inHours = range.highSeconds >= HOURS_FROM_SECONDS;
  const unit = inHours ? HOUR_SECONDS : MINUTE_SECONDS;
  const low = Math.floor(range.lowSeconds / unit);
  const high = Math.max(1, Math.ceil(range.highSeconds / unit));
  const name = (count: number) => `${inHours ? 'hour' : 'minute'}${count === 1 ? '' : 's'}`;
  if (low === 0)
    return high === 1 ? 'Your wait: less than a minute.' : `Your wait: up to ${high} ${name(high)}.`;
  return low === high
    ? `Your wait: about ${low} ${name(low)}.`
    : `Your wait: ${low} to ${high} ${name(high)}.`;
}

/** Why nobody is let in while every remaining seat is held; empty while that is not so. */
export const heldInWords = (allHeldUntil: string | null, timeZone: string): string =>
  allHeldUntil === null
    ? ''
    : `All remaining seats are in other fans’ baskets; the next may return at ${formatClock(allHeldUntil, timeZone)}.`;

/** Time left as 4:09, 1:04:09 or 2 d 1:04:09. */
export function timeLeft(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / (24 * HOUR_SECONDS));
  const hours = Math.floor(seconds / HOUR_SECONDS) % 24;
  const minutes = Math.floor(seconds / MINUTE_SECONDS) % 60;
  const rest = two(Math.floor(seconds % MINUTE_SECONDS));
  if (days > 0) return `${days} d ${hours}:${two(minutes)}:${rest}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** A time of day with seconds and its zone. */
export const formatClock = (iso: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    timeZone,
  }).format(new Date(iso));
