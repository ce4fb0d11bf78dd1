import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { Usage } from './schema';

export type UsageAsked = {
  from: string;
  to?: string;
  group: string;
  project?: string;
  user?: string;
  key?: string;
  model?: string;
};

export const usageQuery = (asked: UsageAsked) =>
  queryOptions({
    queryKey: ['usage', asked],
    queryFn: async ({ signal }): Promise<Usage> => {
      const query = { ...asked, as: 'json' as const };
      const found = await data(api.GET('/api/usage', { params: { query }, signal }));
      // Text is what `as=csv` would have given.
      if (typeof found === 'string') throw new TypeError('Usage came as text.');
      return found;
    },
    staleTime: 60_000,
  });

/** The same by the server's own export. */
export function usageFile(asked: UsageAsked, as: 'csv' | 'json', project: string): string {
  const query = new URLSearchParams({ ...(project && { project }), as });
  for (const [name, value] of Object.entries(asked)) if (value) query.set(name, value);
  return `/api/usage?${query}`;
}
