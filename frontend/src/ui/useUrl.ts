/** What a page shows stands in its address: filters, tabs, what is open. So it can be sent to somebody. */

import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

export type Search = Record<string, unknown>;

/** `read` makes sense of whatever the address says; it has to be the same function each time. */
export function useUrl<State extends object>(
  read: (search: Search) => State,
): [State, (change: Partial<State>) => void] {
  const search = useRouterState({ select: (router) => router.location.search }) as Search;
  const navigate = useNavigate();
  const state = useMemo(() => read(search), [read, search]);
  const change = useCallback(
    (some: Partial<State>) => {
      const fresh = (old: Search) => ({ ...old, ...emptied(some) });
      void navigate({ to: '.', search: fresh as never, replace: true });
    },
    [navigate],
  );
  return [state, change];
}

/** What says nothing is left out of the address. */
function emptied(some: object): Search {
  return Object.fromEntries(
    Object.entries(some).map(([key, value]) => [
      key,
      value === '' || value === null || value === false ? undefined : value,
    ]),
  );
}

export function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function asOneOf<const One extends string>(value: unknown, all: readonly One[], otherwise: One): One {
  return all.find((one) => one === value) ?? otherwise;
}
