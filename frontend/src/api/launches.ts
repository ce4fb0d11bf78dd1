import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export const launchesQuery = queryOptions({
  queryKey: ['launches'],
  queryFn: ({ signal }) => data(api.GET('/api/launches', { signal })),
});

export const launchQuery = (uid: string) =>
  queryOptions({
    queryKey: ['launches', uid],
    queryFn: ({ signal }) => data(api.GET('/api/launches/{uid}', { params: { path: { uid } }, signal })),
  });
