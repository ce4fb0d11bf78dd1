/** What jsdom lacks and components ask for. */

import { cleanup } from '@testing-library/react';
import { afterEach, vi } from 'vitest';
import { startLanguages } from '@/i18n';
import en from '@/i18n/locales/en.json';

await startLanguages(async () => en);
afterEach(cleanup);

Object.defineProperty(window, 'matchMedia', {
  value: (query: string) => ({
    matches: false,
    media: query,
    addEventListener: vi.fn(),
    removeEventListener: vi.fn(),
    addListener: vi.fn(),
    removeListener: vi.fn(),
    dispatchEvent: vi.fn(),
  }),
});

class NoObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
window.ResizeObserver ??= NoObserver as unknown as typeof ResizeObserver;
