// The basket is the server's, so every tab of this browser shall show the same one. A tab that shows another basket than
// the one just loaded elsewhere, or comes back to the front, asks the shop and shows what is true. Tabs tell each other,
// because a shop that every fan asks every few seconds would have nothing else to do.

const header = document.querySelector<HTMLElement>('[data-shop]');
const { shop = '', basket = '', holds = '' } = header?.dataset ?? {};
let asking = false;

async function compare(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    const response = await fetch(holds, { headers: { accept: 'application/json' } });
    const answer = response.ok ? ((await response.json()) as { holds: { hold: string }[] }) : null;
    const now = answer?.holds.map(({ hold }) => hold).join(' ');
    // Whoever has bought, or is not in the shop any more, is led on from there.
    const isOutside = response.status === 401 || response.status === 409;
    // Never the form's own address again: that would send the form once more.
    if (isOutside || (now !== undefined && now !== basket)) location.replace(`/sales/${shop}/seats`);
  } catch {
    // Offline: what is shown stays, and the next look tells.
  } finally {
    asking = false;
  }
}

if (header && 'BroadcastChannel' in window) {
  const channel = new BroadcastChannel(`basket-${shop}`);
  channel.onmessage = ({ data }) => {
    if (data !== basket) void compare();
  };
  channel.postMessage(basket);
}
if (header) {
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void compare();
  });
  window.addEventListener('pageshow', (event) => event.persisted && void compare());
}
