/**
 * What went wrong, for people: what kind of problem it is, by the error's code, and the server's own sentence, in
 * the reader's language where it has a reason that the locale knows, else in English.
 */

import i18next from 'i18next';
import { ApiError } from '@/api/errors';
import { translated } from '@/i18n/reasons';

/** Of all that has no reason. */
const SERVERS_LANGUAGE = 'en';
/** An answer that did not come to its end. */
const BROKEN = new Set(['broken_stream', 'no_body']);

/** Undefined: nobody knows more than the detail. */
export function titleOf(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (BROKEN.has(error.code)) return i18next.t('states.brokenStream');
  if (error.status === 0) return i18next.t('states.unreachable');
  return titleOfCode(error.code);
}

/** Also of errors that are kept with something, as a download's. */
export function titleOfCode(code: string): string | undefined {
  const key = `errors.${code}`;
  return i18next.exists(key) ? i18next.t(key as 'errors.not_found') : undefined;
}

export function detailOf(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 0 || BROKEN.has(error.code)) return '';
  return translated(error.reason) ?? error.message;
}

/** Both in a line, as at a field of a form. An English sentence says enough to those who read English. */
export function message(error: unknown): string {
  const title = titleOf(error);
  const detail = detailOf(error);
  if (!title || !detail) return title ?? detail;
  const isRead = i18next.language === SERVERS_LANGUAGE || translated((error as ApiError).reason) !== null;
  return isRead ? detail : i18next.t('states.titled', { title, detail });
}
