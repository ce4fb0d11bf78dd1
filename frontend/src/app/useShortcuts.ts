/**
 * ⌘K or `/` asks for the palette, `g` and a letter goes to a place; but for ⌘K not while something is typed,
 * nor behind a dialog.
 */

import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { places } from './places';

const WITHIN_MS = 1200;

export function useShortcuts(search: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    let pressed = 0;
    const hear = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (isCommandK(event) && !target.closest('[role="dialog"]')) {
        event.preventDefault();
        search();
        return;
      }
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"]')
      )
        return;
      if (event.key === '/') {
        event.preventDefault();
        search();
        return;
      }
      if (event.key === 'g') {
        pressed = Date.now();
        return;
      }
      const place = Date.now() - pressed < WITHIN_MS && places.find((one) => one.key === event.key);
      pressed = 0;
      if (place) {
        event.preventDefault();
        void navigate({ to: place.to });
      }
    };
    window.addEventListener('keydown', hear);
    return () => window.removeEventListener('keydown', hear);
  }, [navigate, search]);
}

function isCommandK(event: KeyboardEvent): boolean {
  return (
    event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey
  );
}
