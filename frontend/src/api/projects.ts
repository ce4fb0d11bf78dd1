import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { NewProjectRequest, Role } from './schema';
import { useChange } from './useChange';

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: ({ signal }) => data(api.GET('/api/projects', { signal })),
});

export const projectQuery = (slug: string) =>
  queryOptions({
    queryKey: ['projects', slug],
    queryFn: ({ signal }) => data(api.GET('/api/projects/{slug}', { params: { path: { slug } }, signal })),
  });

export const membersQuery = (slug: string) =>
  queryOptions({
    queryKey: ['projects', slug, 'members'],
    queryFn: ({ signal }) =>
      data(api.GET('/api/projects/{slug}/members', { params: { path: { slug } }, signal })),
  });

// One's own roles and projects stand in `me`.
const TOUCHES = ['projects', 'me', 'users', 'groups'];

export const useMakeProject = () =>
  useChange((body: NewProjectRequest) => data(api.POST('/api/projects', { body })), TOUCHES);

export const useRenameProject = (slug: string) =>
  useChange(
    (title: string) =>
      data(api.PATCH('/api/projects/{slug}', { params: { path: { slug } }, body: { title } })),
    TOUCHES,
  );

export const useArchiveProject = (slug: string) =>
  useChange(
    () => data(api.POST('/api/projects/{slug}/archive', { params: { path: { slug } } })),
    [...TOUCHES, 'keys', 'launches'],
  );

export const useRestoreProject = (slug: string) =>
  useChange(
    () => data(api.POST('/api/projects/{slug}/restore', { params: { path: { slug } } })),
    [...TOUCHES, 'keys'],
  );

export type Who = { kind: 'user' | 'group'; name: string };

/** Addresses have the plural. */
const path = (slug: string, { kind, name }: Who) => ({ slug, kind: `${kind}s` as const, name });

export const useSetRole = (slug: string) =>
  useChange(
    ({ role, ...who }: Who & { role: Role }) =>
      data(
        api.PUT('/api/projects/{slug}/members/{kind}/{name}', {
          params: { path: path(slug, who) },
          body: { role },
        }),
      ),
    TOUCHES,
  );

export const useRemoveMember = (slug: string) =>
  useChange(
    (who: Who) =>
      data(api.DELETE('/api/projects/{slug}/members/{kind}/{name}', { params: { path: path(slug, who) } })),
    [...TOUCHES, 'keys'],
  );
