/** One's own way in: password, second factor, passkeys, logins, applications. */

import { queryOptions } from '@tanstack/react-query';
import { makePasskey } from '@/session/passkeys';
import { api, data } from './client';
import { useChange } from './useChange';

export const secondFactorQuery = queryOptions({
  queryKey: ['second-factor'],
  queryFn: ({ signal }) => data(api.GET('/api/me/second-factor', { signal })),
});

export const ownLoginsQuery = queryOptions({
  queryKey: ['own-logins'],
  queryFn: ({ signal }) => data(api.GET('/api/me/logins', { signal })),
});

export const authorizationsQuery = queryOptions({
  queryKey: ['authorizations'],
  queryFn: ({ signal }) => data(api.GET('/api/authorizations', { signal })),
});

const FACTOR = ['second-factor', 'session'];

export const useChoosePassword = () =>
  useChange(
    (body: { old_password: string; new_password: string }) => data(api.PUT('/api/me/password', { body })),
    ['session', 'own-logins'],
  );

export const useBeginAuthenticator = () =>
  useChange(
    (password: string) => data(api.POST('/api/me/second-factor/authenticator', { body: { password } })),
    [],
  );

export const useConfirmAuthenticator = () =>
  useChange(
    (code: string) => data(api.POST('/api/me/second-factor/authenticator/confirm', { body: { code } })),
    FACTOR,
  );

export const useRemoveAuthenticator = () =>
  useChange(
    (password: string) =>
      data(api.POST('/api/me/second-factor/authenticator/remove', { body: { password } })),
    FACTOR,
  );

export const useNewRecoveryCodes = () =>
  useChange(
    (password: string) => data(api.POST('/api/me/second-factor/recovery-codes', { body: { password } })),
    FACTOR,
  );

export const useAddPasskey = () =>
  useChange(async ({ password, name }: { password: string; name: string }) => {
    const shown = await makePasskey(password);
    return data(api.POST('/api/me/passkeys', { body: { ...shown, name } }));
  }, FACTOR);

export const useRemovePasskey = () =>
  useChange(
    ({ id, password }: { id: number; password: string }) =>
      data(
        api.POST('/api/me/passkeys/{passkey_id}/remove', {
          params: { path: { passkey_id: String(id) } },
          body: { password },
        }),
      ),
    FACTOR,
  );

export const useEndLogin = () =>
  useChange(
    (login_id: string) => data(api.DELETE('/api/me/logins/{login_id}', { params: { path: { login_id } } })),
    ['own-logins'],
  );

export const useEndAllLogins = () => useChange(() => data(api.DELETE('/api/me/logins')), []);

export const useRevokeAuthorization = () =>
  useChange(
    (client_id: string) =>
      data(api.DELETE('/api/authorizations/{client_id}', { params: { path: { client_id } } })),
    ['authorizations'],
  );
