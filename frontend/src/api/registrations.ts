import { queryOptions, useQueryClient } from '@tanstack/react-query';
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

/** The change, and what is called when nothing shows the registration any more: it cannot be asked for. */
export function useUnregister() {
  const client = useQueryClient();
  const change = useChange(
    ({ kind, name }: { kind: Kind; name: string }) =>
      data(api.DELETE('/api/registrations/{kind}/{name}', { params: { path: { kind, name } } })),
    [],
  );
  const forget = () => Promise.all(TOUCHES.map((key) => client.invalidateQueries({ queryKey: [key] })));
  return [change, forget] as const;
}
