import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import type { NewUserRequest, PatchedUserChangeRequest } from './schema';
import { useChange } from './useChange';

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => data(api.GET('/api/users', { signal })),
});

export const groupsQuery = queryOptions({
  queryKey: ['groups'],
  queryFn: ({ signal }) => data(api.GET('/api/groups', { signal })),
});

export const lockoutsQuery = queryOptions({
  queryKey: ['lockouts'],
  queryFn: ({ signal }) => data(api.GET('/api/lockouts', { signal })),
});

const of = (username: string) => ({ params: { path: { username } } });

export const useMakeUser = () =>
  useChange((body: NewUserRequest) => data(api.POST('/api/users', { body })), ['users']);

export const useChangeUser = () =>
  useChange(
    ({ username, ...body }: PatchedUserChangeRequest & { username: string }) =>
      data(api.PATCH('/api/users/{username}', { ...of(username), body })),
    ['users', 'me'],
  );

export const useDeleteUser = () =>
  useChange(
    (username: string) => data(api.DELETE('/api/users/{username}', of(username))),
    ['users', 'groups', 'keys', 'projects'],
  );

export const useSetPassword = () =>
  useChange(
    ({ username, password }: { username: string; password: string | null }) =>
      data(api.PUT('/api/users/{username}/password', { ...of(username), body: { password } })),
    ['users'],
  );

export const useRemoveSecondFactor = () =>
  useChange(
    (username: string) => data(api.DELETE('/api/users/{username}/second-factor', of(username))),
    ['users'],
  );

export const useMakeGroup = () =>
  useChange((name: string) => data(api.POST('/api/groups', { body: { name } })), ['groups']);

export const useDeleteGroup = () =>
  useChange(
    (name: string) => data(api.DELETE('/api/groups/{name}', { params: { path: { name } } })),
    ['groups', 'users', 'projects'],
  );

export type Membership = { name: string; username: string };

export const useJoinGroup = () =>
  useChange(
    (path: Membership) => data(api.PUT('/api/groups/{name}/members/{username}', { params: { path } })),
    ['groups', 'users'],
  );

export const useLeaveGroup = () =>
  useChange(
    (path: Membership) => data(api.DELETE('/api/groups/{name}/members/{username}', { params: { path } })),
    ['groups', 'users'],
  );

export const useUnlock = () =>
  useChange(
    (body: { account: string; address: string }) => data(api.POST('/api/lockouts/unlock', { body })),
    ['lockouts'],
  );
