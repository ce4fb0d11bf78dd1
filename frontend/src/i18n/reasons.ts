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

/** Several at once; the English sentence, if one of them has none here. */
export function allInWords(reasons: readonly Reason[], english: string): string {
  const said = reasons.map(translated);
  return said.length && said.every((one) => one !== null) ? said.join(i18next.t('states.between')) : english;
}

/** Why engines cannot run something, those with the same reason together. */
export function enginesInWords(
  reasons: readonly (Reason & { engines: string[] })[],
  english: string,
): string {
  const said = reasons.map((one) => ({ title: one.engines.join(', '), detail: translated(one) }));
  if (!said.length || said.some((one) => one.detail === null)) return english;
  return said.map((one) => i18next.t('states.titled', one)).join(i18next.t('states.between'));
}

/** Formats of values that only reasons have. */
export const formats: Record<string, (value: string | string[]) => string> = {
  kinds: (value) =>
    new Intl.ListFormat(i18next.language).format(
      [value].flat().map((kind) => known(`models.kinds.${kind}`, kind)),
    ),
  problem: (value) => known(`errors.${value}`, String(value)),
};

function known(key: string, otherwise: string): string {
  return i18next.exists(key) ? i18next.t(key as 'errors.not_found') : otherwise;
}

export function translated(reason: Reason | null | undefined): string | null {
  if (!reason) return null;
  const key = `reasons.${reason.code}`;
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(reason.params)) {
    values[name] = worded(value);
    if (values[name] === null) return null;
  }
  return i18next.exists(key, values) ? i18next.t(key as 'reasons.wrong_login', values) : null;
}

/** Reasons within a reason as text; null: one of them has none here. */
function worded(value: unknown): unknown {
  if (isReason(value)) return translated(value);
  if (!Array.isArray(value) || !value.some(isReason)) return value;
  const said = value.map(worded);
  return said.includes(null) ? null : said.join(i18next.t('states.between'));
}

const isReason = (value: unknown): value is Reason =>
  typeof value === 'object' && value !== null && 'code' in value && 'params' in value;
