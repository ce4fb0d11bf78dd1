import { queryOptions } from '@tanstack/react-query';
import type { Kind } from './catalogue';
import { api, data } from './client';
import { useChange } from './useChange';

export const registrationQuery = (kind: Kind, name: string) =>
  queryOptions({
    queryKey: ['registrations', kind, name],
    queryFn: ({ signal }) =>
      data(api.GET('/api/registrations/{kind}/{name}', { params: { path: { kind, name } }, signal })),
  });

const TOUCHES = ['registrations', 'catalogue', 'launches'];

export type NewRegistration = { family: Record<string, unknown>; shared?: boolean | null; edit?: boolean };

export const useRegister = () =>
  useChange(
    (body: NewRegistration) => data(api.POST('/api/registrations', { body: body as never })),
    TOUCHES,
  );

export const useUnregister = () =>
  useChange(
    ({ kind, name }: { kind: Kind; name: string }) =>
      data(api.DELETE('/api/registrations/{kind}/{name}', { params: { path: { kind, name } } })),
    TOUCHES,
  );
