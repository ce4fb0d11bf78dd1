import { infiniteQueryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export type AuditFilter = {
  who?: string;
  action?: string;
  thing?: string;
  id?: string;
  key?: string;
  address?: string;
  request?: string;
  outcome?: 'done' | 'refused' | 'failed';
  text?: string;
  since?: string;
  until?: string;
};

const PAGE = 100;

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET('/api/audit', {
          params: { query: { ...filter, limit: PAGE, ...(pageParam !== null && { before: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.before ?? undefined,
  });

export function auditFile(filter: AuditFilter, as: 'csv' | 'jsonl', project: string): string {
  const query = new URLSearchParams({ ...(project && { project }), as });
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
  return `/api/audit/export?${query}`;
}
