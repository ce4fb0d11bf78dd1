import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

/** Events ask for it anew; memory and queues change without any. */
const FRESH_MS = 5_000;

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => data(api.GET('/api/overview', { signal })),
  refetchInterval: FRESH_MS,
});
