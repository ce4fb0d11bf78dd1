import { queryOptions } from '@tanstack/react-query';
import type { Kind } from './catalogue';
import { api, data } from './client';

/** What may be set at a launch on an engine. Part of the server's version: it does not change. */
export const engineOptionsQuery = (engine: string, kind: Kind | undefined) =>
  queryOptions({
    queryKey: ['engine-options', engine, kind],
    queryFn: async ({ signal }) => {
      const found = await data(
        api.GET('/api/engine-options', { params: { query: { engine, kind } }, signal }),
      );
      return found[0]?.options ?? [];
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

/** What is asked of `/api/estimate`; what is empty is left out. */
export type Estimated = {
  kind?: Kind;
  engine?: string;
  name?: string;
  path?: string;
  hub?: string;
  revision?: string;
  size?: string;
  format?: string;
  quantization?: string;
  node?: string;
  slots?: number;
  context_length?: number;
};

export const launchEstimateQuery = (asked: Estimated) =>
  queryOptions({
    queryKey: ['estimate', asked],
    queryFn: ({ signal }) => data(api.GET('/api/estimate', { params: { query: asked as never }, signal })),
    enabled: !!(asked.name || asked.path),
    retry: false,
  });
