import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { NewLimitRequest, PatchedLimitChangeRequest } from './schema';
import { useChange } from './useChange';

export const limitsQuery = queryOptions({
  queryKey: ['limits'],
  queryFn: ({ signal }) => data(api.GET('/api/limits', { signal })),
});

const of = (id: number) => ({ params: { path: { limit_id: id } } });

export const useMakeLimit = () =>
  useChange((body: NewLimitRequest) => data(api.POST('/api/limits', { body })), ['limits']);

export const useChangeLimit = () =>
  useChange(
    ({ id, ...body }: PatchedLimitChangeRequest & { id: number }) =>
      data(api.PATCH('/api/limits/{limit_id}', { ...of(id), body })),
    ['limits'],
  );

export const useDeleteLimit = () =>
  useChange((id: number) => data(api.DELETE('/api/limits/{limit_id}', of(id))), ['limits']);
