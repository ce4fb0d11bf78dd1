/** What stands on a family's card: worded once for each, not each time that it comes into sight. */

import { defaultStringifySearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { FamilyLine } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { enginesInWords } from '@/i18n/reasons';
import { usePlainLinks } from '@/ui/links';
import { range } from './filter';
import { useWords } from './useWords';

const MOST_ABILITIES = 4;

export type Card = {
  name: string;
  kind: string;
  description: string;
  /** those that have room, and all of them where some have none */
  abilities: readonly string[];
  more: number;
  allAbilities: string;
  facts: string;
  fits: boolean;
  /** how it runs on these machines, or why it does not */
  here: string;
  registered: string;
  cached: boolean;
  /** addresses */
  page: string;
  launch: string;
  launchLabel: string;
  detailsLabel: string;
};

export function useCards(): (line: FamilyLine) => Card {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useWords();
  const { hrefOf } = usePlainLinks();
  return useMemo(() => {
    const made = new WeakMap<FamilyLine, Card>();
    const make = (line: FamilyLine): Card => {
      const { kind, name, abilities } = line;
      return {
        name,
        kind: words.kind(kind),
        description: line.description,
        abilities: abilities.slice(0, MOST_ABILITIES).map(words.ability),
        more: Math.max(0, abilities.length - MOST_ABILITIES),
        allAbilities: abilities.map(words.ability).join(', '),
        facts: joined([
          line.sizes.length > 0 && words.size(range(line.sizes)),
          line.context_length &&
            t('models.tokens', { count: line.context_length, tokens: words.tokens(line.context_length) }),
          line.licence,
        ]),
        fits: line.here.fits,
        here: line.here.fits ? runs(line.here) : runsNot(line.here),
        registered: line.registered
          ? t('models.registeredBy', { name: line.registered.owner || t('common.unknown') })
          : '',
        cached: line.cached === true,
        page: hrefOf(`/models/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`),
        launch: hrefOf(`/launch${defaultStringifySearch({ kind, name })}`),
        launchLabel: t('models.launchName', { name }),
        detailsLabel: t('models.detailsOf', { name }),
      };
    };
    const runs = ({ sizes, engine, memory }: FamilyLine['here']) =>
      joined([
        t('models.runsWith', { what: joined([sizes.length > 0 && words.size(range(sizes)), engine]) }),
        memory && t('models.fromMemory', { memory: format.bytes(memory) }),
      ]);
    const runsNot = ({ engine, memory, reason, reasons }: FamilyLine['here']) =>
      engine
        ? t('models.tooLarge', { memory: format.bytes(memory) })
        : enginesInWords(reasons, reason) || t('models.noNode');
    return (line) => {
      const card = made.get(line) ?? make(line);
      made.set(line, card);
      return card;
    };
  }, [t, format, words, hrefOf]);
}

function joined(parts: readonly unknown[]): string {
  return parts.filter(Boolean).join(' · ');
}
