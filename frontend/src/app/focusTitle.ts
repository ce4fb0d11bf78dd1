const LOOK_MS = 50;
const LONGEST_MS = 5000;

/** The title of the page that comes gets the focus. It may be drawn after this is called, hidden until
    the rest of it is there, or drawn once more; who has pressed something meanwhile has gone on. */
export function focusTitle(): () => void {
  const focus = () => document.getElementById('page-title')?.focus({ preventScroll: true });
  const stop = new AbortController();
  const until = performance.now() + LONGEST_MS;
  const timer = setInterval(() => {
    if (document.activeElement === document.body) focus();
    if (performance.now() > until) end();
  }, LOOK_MS);
  const end = () => {
    clearInterval(timer);
    stop.abort();
  };
  for (const event of ['pointerdown', 'keydown'])
    window.addEventListener(event, end, { capture: true, signal: stop.signal });
  focus();
  return end;
}
