/** Passkeys by the browser's own JSON forms of WebAuthn. */

import { api, data } from '@/api/client';

type JsonForms = {
  parseRequestOptionsFromJSON?: (options: unknown) => PublicKeyCredentialRequestOptions;
  parseCreationOptionsFromJSON?: (options: unknown) => PublicKeyCredentialCreationOptions;
};

const forms = (globalThis as { PublicKeyCredential?: JsonForms }).PublicKeyCredential;

/** Not under a bare address, and not without TLS but on this machine. */
export function canUsePasskeys(): boolean {
  const isAddress = /^\d+\.\d+\.\d+\.\d+$|^\[/.test(location.hostname);
  return window.isSecureContext && !isAddress && !!forms?.parseRequestOptionsFromJSON;
}

export type Shown = { state: string; credential: Record<string, unknown> };

/** Without a name: whoever holds the key. With name and password: for the factor after them. */
export async function showPasskey(who: { username?: string; password?: string }): Promise<Shown> {
  const question = await data(api.POST('/api/session/passkey', { body: who }));
  const options = question.options as { publicKey?: unknown };
  const publicKey = forms?.parseRequestOptionsFromJSON?.(options.publicKey ?? options);
  const credential = await navigator.credentials.get({ publicKey });
  return { state: question.state, credential: asJson(credential) };
}

/** Makes one for whoever is logged in. */
export async function makePasskey(password: string): Promise<Shown> {
  const question = await data(api.POST('/api/me/passkeys/question', { body: { password } }));
  const options = question.options as { publicKey?: unknown };
  const publicKey = forms?.parseCreationOptionsFromJSON?.(options.publicKey ?? options);
  const credential = await navigator.credentials.create({ publicKey });
  return { state: question.state, credential: asJson(credential) };
}

function asJson(credential: Credential | null): Record<string, unknown> {
  return (credential as unknown as { toJSON: () => Record<string, unknown> }).toJSON();
}
