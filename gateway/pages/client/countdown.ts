// Clocks count to a moment by the server's time, however wrong this device's is.
import { tagOf, timeLeft } from '../words.ts';

/** A clock that ends here is not ahead of the server's. */
const AFTER_ZERO_MS = 300;

const tag = tagOf(document.documentElement.lang);
const card = document.querySelector<HTMLElement>('[data-now]');
/** How much the server's clock is ahead of this device's. */
export const offsetMs = Date.parse(card?.dataset.now ?? '') - Date.now() || 0;
const tick = () => {
  for (const element of document.querySelectorAll<HTMLElement>('[data-until]')) {
    const { until = '', atZero } = element.dataset;
    const seconds = Math.max(0, Math.floor((Date.parse(until) - Date.now() - offsetMs) / 1000));
    element.textContent = timeLeft(seconds, tag);
    // Everyone's countdown ends in the same second; their reloads are spread over the next ones.
    if (seconds === 0 && atZero) {
      element.dataset.atZero = '';
      setTimeout(() => location.reload(), AFTER_ZERO_MS + Number(atZero) * Math.random());
    }
  }
};
if (document.querySelector('[data-until]')) {
  tick();
  setInterval(tick, 1000);
}
