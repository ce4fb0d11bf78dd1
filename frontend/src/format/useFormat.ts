/** The formats of `format.ts` in the language that is shown. */

import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import * as format from './format';

export function useFormat() {
  const { i18n } = useTranslation();
  const language = i18n.language;
  return useMemo(
    () => ({
      bytes: (value: number | null | undefined) => format.bytes(value, language),
      count: (value: number | null | undefined) => format.count(value, language),
      fixed: (value: number | null | undefined, digits: number) => format.fixed(value, digits, language),
      percent: (part: number, whole: number) => format.percent(part, whole, language),
      money: (value: number | null | undefined, currency: string) => format.money(value, currency, language),
      day: (at: string | Date, zone?: string) => format.day(at, language, zone),
      seconds: (value: number | null | undefined) => format.seconds(value, language),
      ago: (at: string | Date, now?: number) => format.ago(at, language, now),
      moment: (at: string | Date) => format.moment(at, language),
    }),
    [language],
  );
}
