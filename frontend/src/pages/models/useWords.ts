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
      kind: (kind: Kind) => t(`models.kinds.${kind}`),
      ability: (name: string) => {
        const key = `models.abilities.${name}`;
        return i18n.exists(key) ? t(key as 'models.abilities.chat') : name;
      },
      size: (size: string) => (size ? t('models.billions', { size }) : '–'),
      /** 32768 → 32K, as everybody writes it */
      tokens: (count: number | null | undefined) =>
        !count ? '–' : count % 1024 === 0 ? `${format.count(count / 1024)}K` : format.count(count),
    }),
    [t, i18n, format],
  );
}
