// Says, once and politely, when a clock of the page is nearly over; each clock carries its own words.
import { type Warning, warningFor } from '../seat-map/warnings.ts';
import { offsetMs } from './countdown.ts';

const LOOK_MS = 1_000;

for (const clock of document.querySelectorAll<HTMLElement>('[data-warnings]')) {
  const { until = '', says = '', warnings = '[]' } = clock.dataset;
  const told = JSON.parse(warnings) as Warning[];
  const region = document.getElementById(says);
  const after = document.querySelector<HTMLElement>(`[data-after="${says}"]`);
  const look = () => {
    const seconds = Math.max(0, Math.floor((Date.parse(until) - Date.now() - offsetMs) / 1000));
    const text = warningFor(seconds, told)?.text ?? '';
    if (region && region.textContent !== text) region.textContent = text;
    if (after) after.hidden = seconds > 0;
  };
  look();
  setInterval(look, LOOK_MS);
}
