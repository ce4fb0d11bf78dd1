import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export type Asked = {
  from: string;
  hub?: 'huggingface' | 'modelscope';
  quantization?: string;
  node?: string;
};

/** What lies at a repository, path or address, as a node sees it. */
export const sourceQuery = (asked: Asked) =>
  queryOptions({
    queryKey: ['sources', asked],
    queryFn: ({ signal }) => data(api.GET('/api/sources', { params: { query: asked }, signal })),
    enabled: asked.from !== '',
    // A hub is asked each time; what it said is good for a while.
    staleTime: 300_000,
    retry: false,
  });
