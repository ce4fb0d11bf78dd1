/**
 * What the server says in English, in the reader's language. It sends a stable code and the values of the
 * sentence beside the text; the sentences stand in `locales/` under `reasons`, and a code that they lack (of a
 * newer server) stays in English. A test of the server's holds both lists together.
 */

import i18next from 'i18next';

export type Reason = { code: string; params: Record<string, unknown> };

/** `english`: the server's own sentence. */
export function inWords(reason: Reason | null | undefined, english: string): string {
  return translated(reason) ?? english;
}

export function translated(reason: Reason | null | undefined): string | null {
  if (!reason) return null;
  const key = `reasons.${reason.code}`;
  return i18next.exists(key) ? i18next.t(key as 'reasons.wrong_login', reason.params) : null;
}
