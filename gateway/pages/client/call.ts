// Calls a fan whose turn comes while nobody looks at the page, with a tone and a notification, and only if asked to: the
// button is the gesture that browsers want before either. Each that a browser does not have is done without.

const TONE_MS = 900;
const TONE_HZ = 660;
const TONE_GAIN = 0.2;

const button = document.querySelector<HTMLButtonElement>('[data-call]');
let audio: AudioContext | undefined;

const isAsked = () => button?.getAttribute('aria-pressed') === 'true';

if (button) {
  button.hidden = false;
  button.addEventListener('click', () => {
    const asked = !isAsked();
    button.setAttribute('aria-pressed', String(asked));
    if (!asked) return;
    if ('AudioContext' in window) audio ??= new AudioContext();
    void audio?.resume();
    if ('Notification' in window) void Notification.requestPermission();
  });
}

function sound(): void {
  if (!audio) return;
  const gain = new GainNode(audio, { gain: TONE_GAIN });
  const tone = new OscillatorNode(audio, { frequency: TONE_HZ });
  tone.connect(gain).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + TONE_MS / 1000);
}

function notify(): void {
  try {
    // Where only a service worker may, this throws.
    new Notification(button?.dataset.call ?? '', { body: document.title, tag: location.pathname });
  } catch {}
}

/** Resolves when the page may be left: whoever looks at it is not called, and one who is called hears the whole tone. */
export function callFan(): Promise<void> {
  if (!isAsked() || !document.hidden) return Promise.resolve();
  sound();
  if ('Notification' in window && Notification.permission === 'granted') notify();
  return new Promise((resolve) => {
    setTimeout(resolve, TONE_MS);
  });
}
