const LONGEST_MS = 5000;

/** The title of the page that comes gets the focus. It may be drawn after this is called, or once more;
    who has pressed something meanwhile has gone on. */
export function focusTitle(): () => void {
  const look = () => {
    if (document.activeElement === document.body)
      document.getElementById('page-title')?.focus({ preventScroll: true });
  };
  const stop = new AbortController();
  const observer = new MutationObserver(look);
  const end = () => {
    observer.disconnect();
    clearTimeout(timer);
    stop.abort();
  };
  const timer = setTimeout(end, LONGEST_MS);
  document.getElementById('page-title')?.focus({ preventScroll: true });
  observer.observe(document.body, { childList: true, subtree: true });
  for (const event of ['pointerdown', 'keydown'])
    window.addEventListener(event, end, { capture: true, signal: stop.signal });
  return end;
}
