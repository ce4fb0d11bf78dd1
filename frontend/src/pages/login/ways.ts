import { queryOptions } from '@tanstack/react-query';
import { api, data } from '@/api/client';

export const signInsQuery = queryOptions({
  queryKey: ['sign-ins'],
  queryFn: ({ signal }) => data(api.GET('/api/sso', { signal })),
});

export const setupStatusQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => data(api.GET('/v1/admin/setup/status', { signal })),
});
