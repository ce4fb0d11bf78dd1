/** Who is logged in, what they may, and in which project they act. */

import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, data, sent } from '@/api/client';
import type { Me, Session } from '@/api/schema';
import { tokenOfPage } from './token';

const PROJECT_KEY = 'xplatform.project';

/** Names of the server's permission matrix (`apps/accounts/matrix/actions.py`). */
export type Action = string;

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session> => {
    const session = await data(api.GET('/api/session', { signal }));
    sent.csrfToken = session.csrf_token;
    return session;
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }): Promise<Me> => data(api.GET('/api/me', { signal })),
  staleTime: 60_000,
});

/** The project chosen here before; empty: the server's choice, which is all for a superuser. */
export function rememberedProject(): string {
  return localStorage.getItem(PROJECT_KEY) ?? '';
}

export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}

/** May the person do this, in the project they act in? The server decides; this hides what it would refuse. */
export function useMay(): (action: Action) => boolean {
  const me = useMe();
  return (action) => !!me && (me.superuser || me.permissions.includes(action));
}

export function useChooseProject(): (slug: string) => Promise<void> {
  const client = useQueryClient();
  return async (slug) => {
    sent.project = slug;
    if (slug) localStorage.setItem(PROJECT_KEY, slug);
    else localStorage.removeItem(PROJECT_KEY);
    await client.resetQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
  };
}

export type Credentials = { username: string; password: string; otp?: string; passkey?: unknown };

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (credentials: Credentials): Promise<Session> => {
      // A login needs the token of the page's own cookie, which the first look gives.
      if (!sent.csrfToken) await client.fetchQuery(sessionQuery);
      return data(api.POST('/api/session', { body: credentials as never }));
    },
    onSuccess: (session) => {
      tokenOfPage.forget();
      sent.csrfToken = session.csrf_token;
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
      client.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (): Promise<Session> => {
      await data(api.DELETE('/api/session'));
      return data(api.GET('/api/session'));
    },
    onSuccess: (session) => {
      tokenOfPage.forget();
      client.clear();
      sent.csrfToken = session.csrf_token;
      client.setQueryData(sessionQuery.queryKey, session);
    },
  });
}
