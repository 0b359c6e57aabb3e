// Fingers, mouse and wheel on the canvas, as moves, zooms and taps in CSS pixels of the canvas.

type Point = { x: number; y: number };
export type Gestures = {
  move: (dx: number, dy: number) => void;
  zoom: (factor: number, at: Point) => void;
  tap: (at: Point, isPrecise: boolean) => void;
};

/** A finger that has moved less has not moved. */
const TAP_PX = 8;
/** How much of a doubling a wheel's step is. */
const WHEEL_ZOOM = 0.01;
const WHEEL_STEP_MAX = 50;

export function listenToGestures(canvas: HTMLCanvasElement, gestures: Gestures): void {
  const fingers = new Map<number, Point>();
  let start: Point | null = null;
  let isTap = false;
  const at = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const spread = ([a, b]: Point[]) =>
    a && b ? { size: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : null;

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    isTap = fingers.size === 1;
    start = at(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    if (isTap && start && Math.hypot(now.x - start.x, now.y - start.y) < TAP_PX) return;
    isTap = false;
    const from = spread([...fingers.values()]);
    fingers.set(event.pointerId, now);
    const to = spread([...fingers.values()]);
    if (from && to) {
      gestures.move(to.x - from.x, to.y - from.y);
      if (from.size > 0) gestures.zoom(to.size / from.size, to);
    } else gestures.move(now.x - before.x, now.y - before.y);
  });
  canvas.addEventListener('pointerup', (event) => {
    if (fingers.delete(event.pointerId) && isTap) gestures.tap(at(event), event.pointerType === 'mouse');
    isTap = false;
  });
  canvas.addEventListener('pointercancel', (event) => {
    fingers.delete(event.pointerId);
    isTap = false;
  });
  // A plain wheel scrolls the page, and a pinch of a touch pad comes as a wheel with ctrl.
  canvas.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const step = Math.max(-WHEEL_STEP_MAX, Math.min(WHEEL_STEP_MAX, event.deltaY));
      gestures.zoom(2 ** (-step * WHEEL_ZOOM), at(event));
    },
    { passive: false },
  );
}
