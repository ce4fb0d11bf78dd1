import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { FamilyLine } from './schema';

export type Kind = FamilyLine['kind'];
export const KINDS: readonly Kind[] = ['llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'flexible'];

export const catalogueQuery = queryOptions({
  queryKey: ['catalogue'],
  queryFn: ({ signal }) => data(api.GET('/api/catalogue', { signal })),
  // Events tell what is registered; what lies in caches and which machines are there changes slowly.
  staleTime: 60_000,
});

export const familyQuery = (kind: Kind, name: string) =>
  queryOptions({
    queryKey: ['catalogue', kind, name],
    queryFn: ({ signal }) =>
      data(api.GET('/api/catalogue/{kind}/{name}', { params: { path: { kind, name } }, signal })),
  });

export const waysQuery = (kind: Kind, name: string) =>
  queryOptions({
    queryKey: ['catalogue', kind, name, 'ways'],
    queryFn: ({ signal }) =>
      data(api.GET('/api/catalogue/{kind}/{name}/ways', { params: { path: { kind, name } }, signal })),
  });

/** One form of a family, by what a launch names it by. */
export type Form = { size?: string; format?: string; quantization?: string };

export const estimateQuery = (kind: Kind, name: string, form: Form, node: string) =>
  queryOptions({
    queryKey: ['estimate', kind, name, form, node],
    queryFn: ({ signal }) =>
      data(
        api.GET('/api/estimate', {
          params: { query: { kind, name, ...given({ ...form, node }) } as never },
          signal,
        }),
      ),
  });

function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((one): one is [string, string] => !!one[1]));
}
