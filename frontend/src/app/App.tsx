/** What surrounds every page: looks, kept answers, addresses. */

import { type CSSVariablesResolver, MantineProvider } from '@mantine/core';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { Router } from './router';
import { theme } from './theme';

/** Nothing is said before the first page stands; what is waits until this is there. */
const Notifications = lazy(async () => ({ default: (await import('@mantine/notifications')).Notifications }));

/** The page's policy lets only styles with its nonce in. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

/** What holds the page still behind a dialog makes a style of its own, and looks for the nonce here. */
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

/** Mantine's dimmed text, links, errors and badges are too pale to be read by all: 4.5 to 1 at least. */
const colors: CSSVariablesResolver = (theme) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5c636a',
    '--mantine-color-error': '#c92a2a',
    ...Object.fromEntries(
      Object.keys(theme.colors).map((name) => [
        `--mantine-color-${name}-light-color`,
        `color-mix(in srgb, var(--mantine-color-${name}-9) 75%, black)`,
      ]),
    ),
  },
  dark: {
    '--mantine-color-dimmed': '#a6a7ab',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-anchor': 'var(--mantine-color-brand-3)',
  },
});

export function App({ queryClient, router }: { queryClient: QueryClient; router: Router }) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
      cssVariablesResolver={colors}
    >
      <QueryClientProvider client={queryClient}>
        <Suspense fallback={null}>
          <Notifications position="bottom-right" />
        </Suspense>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
