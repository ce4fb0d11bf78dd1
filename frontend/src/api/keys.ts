import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { NewKeyRequest } from './schema';
import { useChange } from './useChange';

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => data(api.GET('/api/keys', { signal })),
});

const TOUCHES = ['keys'];

export const useMakeKey = () =>
  useChange((body: NewKeyRequest) => data(api.POST('/api/keys', { body })), TOUCHES);

export const useRotateKey = () =>
  useChange(
    ({ id, overlap }: { id: string; overlap: number }) =>
      data(
        api.POST('/api/keys/{key_id}/rotate', {
          params: { path: { key_id: id } },
          body: { overlap_seconds: overlap },
        }),
      ),
    TOUCHES,
  );

export const useRevokeKey = () =>
  useChange(
    (id: string) => data(api.DELETE('/api/keys/{key_id}', { params: { path: { key_id: id } } })),
    TOUCHES,
  );
