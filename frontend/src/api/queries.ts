/** How answers are kept and asked for anew; what they are stands in a file for each resource. */

import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './errors';

/** Events tell what has changed; this is for what they cannot tell. */
const STALE_MS = 30_000;
const TRIES = 3;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        retry: (tries, error) => tries < TRIES && error instanceof ApiError && error.isPassing,
        retryDelay: (tries, error) =>
          error instanceof ApiError && error.retryAfter !== null
            ? Math.min(error.retryAfter, 30) * 1000
            : Math.min(500 * 2 ** tries, 10_000),
        // An error is shown where its data would be, by <Loaded>.
        throwOnError: false,
      },
      // Passwords and keys are among what they were given and answered: nothing of it is kept.
      mutations: { retry: false, gcTime: 0 },
    },
  });
}
