import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export const nodesQuery = queryOptions({
  queryKey: ['nodes'],
  queryFn: ({ signal }) => data(api.GET('/api/nodes', { signal })),
});
