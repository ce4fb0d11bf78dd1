/**
 * After a dialog the focus is where it came from: also when the dialog was not closed but taken away, and
 * when it came from a menu that is no longer there. Without this it falls to the page's beginning.
 */

import { useCallback, useLayoutEffect, useRef } from 'react';

/** Of a dialog that another takes the place of: that one gives the focus back to the same. */
let passedOn: HTMLElement | null = null;

/** The result is for dialogs that stay mounted: call it when they have gone from sight. */
export function useFocusBack(opened = true): () => void {
  const origin = useRef<HTMLElement | null>(null);
  const giveBack = useCallback(() => {
    const wanted = origin.current;
    passedOn = wanted;
    setTimeout(() => {
      passedOn = null;
      if (document.activeElement !== document.body) return;
      const target = wanted?.isConnected ? wanted : document.getElementById('page-title');
      target?.focus({ preventScroll: true });
    });
  }, []);
  useLayoutEffect(() => {
    if (!opened) return;
    const active = document.activeElement;
    if (active instanceof HTMLElement && active !== document.body) origin.current = openerOf(active);
    else origin.current = passedOn;
    return giveBack;
  }, [opened, giveBack]);
  return giveBack;
}

/** The item of a menu goes with it; what opened the menu stays. */
function openerOf(active: HTMLElement): HTMLElement {
  const name = active.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  return (name && document.getElementById(name)) || active;
}
