import { queryOptions, useQueryClient } from '@tanstack/react-query';
import { api, data } from './client';
import type { AdapterRequest, AddedRequest, BoundsRequest, KeepingRequest, NewLaunchRequest } from './schema';

export const launchesQuery = queryOptions({
  queryKey: ['launches'],
  queryFn: ({ signal }) => data(api.GET('/api/launches', { signal })),
});

/** What was launched by hand and terminated, newest first. */
export const pastLaunchesQuery = queryOptions({
  queryKey: ['launches', 'past launches'],
  queryFn: ({ signal }) => data(api.GET('/api/launches', { params: { query: { past: true } }, signal })),
});

export const launchQuery = (uid: string) =>
  queryOptions({
    queryKey: ['launches', uid],
    queryFn: ({ signal }) => data(api.GET('/api/launches/{uid}', { params: { path: { uid } }, signal })),
  });

/** Requests that wait or run now. No event tells of them. */
export const requestsQuery = (uid: string) =>
  queryOptions({
    queryKey: ['requests', uid],
    queryFn: ({ signal }) =>
      data(api.GET('/api/launches/{uid}/requests', { params: { path: { uid } }, signal })),
    refetchInterval: 2000,
  });

const at = (uid: string) => ({ path: { uid } });

/** What can be done with a launch. */
export const launchActions = {
  start: (order: NewLaunchRequest) => data(api.POST('/api/launches', { body: order })),
  terminate: (uid: string) => data(api.DELETE('/api/launches/{uid}', { params: at(uid) })),
  cancel: (uid: string) => data(api.POST('/api/launches/{uid}/cancel', { params: at(uid) })),
  /** as it is, or with another order */
  relaunch: (uid: string, order?: NewLaunchRequest) =>
    // Without a body it starts anew as it is.
    data(api.POST('/api/launches/{uid}/relaunch', { params: at(uid), body: order as NewLaunchRequest })),
  scale: (uid: string, bounds: BoundsRequest) =>
    data(api.PUT('/api/launches/{uid}/replicas', { params: at(uid), body: bounds })),
  addReplicas: (uid: string, added: AddedRequest) =>
    data(api.POST('/api/launches/{uid}/replicas', { params: at(uid), body: added })),
  removeReplica: (uid: string, replica: string) =>
    data(api.DELETE('/api/launches/{uid}/replicas/{replica}', { params: { path: { uid, replica } } })),
  moveReplica: (uid: string, replica: string, node?: string) =>
    data(
      api.POST('/api/launches/{uid}/replicas/{replica}/move', {
        params: { path: { uid, replica } },
        body: node ? { node } : {},
      }),
    ),
  keep: (uid: string, keeping: KeepingRequest) =>
    data(api.PUT('/api/launches/{uid}/keeping', { params: at(uid), body: keeping })),
  share: (uid: string, shared: boolean) =>
    data(api.PUT('/api/launches/{uid}/sharing', { params: at(uid), body: { shared } })),
  setAdapters: (uid: string, adapters: AdapterRequest[]) =>
    data(api.PUT('/api/launches/{uid}/adapters', { params: at(uid), body: { adapters } })),
  cancelRequest: (uid: string, rid: string) =>
    data(api.DELETE('/api/launches/{uid}/requests/{rid}', { params: { path: { uid, rid } } })),
};

/** Does something with launches, then looks at them anew. Throws what the server refused. */
export function useLaunchAction(): <T>(act: () => Promise<T>) => Promise<T> {
  const client = useQueryClient();
  return async (act) => {
    try {
      return await act();
    } finally {
      void client.invalidateQueries({ queryKey: ['launches'] });
      void client.invalidateQueries({ queryKey: ['overview'] });
    }
  };
}
