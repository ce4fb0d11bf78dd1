import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from './client';
import type { NewJoinTokenRequest, Node } from './schema';

/** Heartbeats and memory change without events. */
const FRESH_MS = 10_000;

export const nodesQuery = queryOptions({
  queryKey: ['nodes'],
  queryFn: ({ signal }) => data(api.GET('/api/nodes', { signal })),
  refetchInterval: FRESH_MS,
});

export const nodeQuery = (name: string) =>
  queryOptions({
    queryKey: ['nodes', name],
    queryFn: ({ signal }) => data(api.GET('/api/nodes/{name}', { params: { path: { name } }, signal })),
    refetchInterval: FRESH_MS,
  });

export const joinTokensQuery = queryOptions({
  queryKey: ['join-tokens'],
  queryFn: ({ signal }) => data(api.GET('/api/join-tokens', { signal })),
});

export type NodeChange =
  | { do: 'cordon' | 'uncordon' | 'drain' | 'remove' }
  | { do: 'label'; labels: Record<string, string | null> };

/** What can be done with a machine. */
export function useChangeNode(name: string) {
  const client = useQueryClient();
  const params = { path: { name } };
  return useMutation({
    mutationFn: (change: NodeChange): Promise<Node | undefined> => {
      switch (change.do) {
        case 'cordon':
          return data(api.POST('/api/nodes/{name}/cordon', { params }));
        case 'uncordon':
          return data(api.POST('/api/nodes/{name}/uncordon', { params }));
        case 'drain':
          return data(api.POST('/api/nodes/{name}/drain', { params }));
        case 'remove':
          return data(api.DELETE('/api/nodes/{name}', { params }));
        case 'label':
          return data(api.PATCH('/api/nodes/{name}', { params, body: { labels: change.labels } }));
      }
    },
    onSettled: (_, __, change) =>
      change.do === 'remove'
        ? client.invalidateQueries({ queryKey: ['nodes'], exact: true })
        : client.invalidateQueries({ queryKey: ['nodes'] }),
  });
}

export function useMakeJoinToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewJoinTokenRequest) => data(api.POST('/api/join-tokens', { body })),
    onSettled: () => client.invalidateQueries({ queryKey: ['join-tokens'] }),
  });
}

export function useRevokeJoinToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token_id: string) =>
      data(api.DELETE('/api/join-tokens/{token_id}', { params: { path: { token_id } } })),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['join-tokens'] }),
        client.invalidateQueries({ queryKey: ['nodes'] }),
      ]),
  });
}
