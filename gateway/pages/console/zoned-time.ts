const WRITTEN = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})$/;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * What a clock at the venue shows (`2031-06-14T20:00`, as browsers send it) as a moment in ISO 8601. Of an hour that comes
 * twice, when summer time ends, the first; null for one that is skipped, and for what is no time or zone.
 */
export function momentAt(local: string | undefined, timeZone: string): string | null {
  const [, date, time] = WRITTEN.exec(local?.trim() ?? '') ?? [];
  if (!date || !time || !isZone(timeZone)) return null;
  const asUtc = Date.parse(`${date}T${time}:00Z`);
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 10) !== date) return null;
  // The zone's offsets a day before and after: one of them holds here, whatever changes in between.
  const offsets = [asUtc - DAY_MS, asUtc + DAY_MS].map(
    (near) => Date.parse(`${localTime(near, timeZone)}Z`) - near,
  );
  const moments = offsets.map((offset) => asUtc - offset).sort((a, b) => a - b);
  const found = moments.find((moment) => localTime(moment, timeZone) === `${date}T${time}`);
  return found === undefined ? null : new Date(found).toISOString();
}

/** What a clock at the venue shows at a moment, to the minute, as a form's field has it. */
export function localTime(moment: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone });
  return format.format(new Date(moment)).replace(' ', 'T');
}

function isZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
