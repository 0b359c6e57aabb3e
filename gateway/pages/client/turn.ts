// The script of a turn, and of the lobby that waits for one: with the clocks of both. A turn is claimed as soon as the fan
// can see it; until then the tab calls.
import './countdown.ts';
import './place.ts';

const claim = document.querySelector<HTMLFormElement>('form[data-claim]');

if (claim) {
  let sent = false;
  const goIn = () => {
    if (sent || document.visibilityState !== 'visible') return;
    sent = true;
    claim.requestSubmit();
  };
  document.title = `★ ${document.title}`;
  document.addEventListener('visibilitychange', goIn);
  goIn();
}
