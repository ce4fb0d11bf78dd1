/** What kinds, abilities and sizes are called. Registrations may have abilities that nobody foresaw. */

import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Kind } from '@/api/catalogue';
import { useFormat } from '@/format/useFormat';

export function useWords() {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  return useMemo(
    () => ({
      kind: once((kind: Kind) => t(`models.kinds.${kind}`)),
      ability: once((name: string) => {
        const key = `models.abilities.${name}`;
        return i18n.exists(key) ? t(key as 'models.abilities.chat') : name;
      }),
      size: (size: string) => (size ? t('models.billions', { size }) : '–'),
      /** 32768 → 32K, as everybody writes it */
      tokens: (count: number | null | undefined) =>
        !count ? '–' : count % 1024 === 0 ? `${format.count(count / 1024)}K` : format.count(count),
    }),
    [t, i18n, format],
  );
}

/** There are a few of them, on thousands of cards. */
function once<Name extends string>(say: (name: Name) => string): (name: Name) => string {
  const said = new Map<Name, string>();
  return (name) => {
    const word = said.get(name) ?? say(name);
    said.set(name, word);
    return word;
  };
}
