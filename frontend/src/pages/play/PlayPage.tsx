/** `/play`: the frame of all playgrounds, and the way to the one that fits. */

import { Button, Group } from '@mantine/core';
import { IconBox, IconMessages, IconRocket } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Navigate, useParams, useSearch } from '@tanstack/react-router';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { type Card, cardsQuery } from '@/api/inference';
import { Lost } from '@/app/failures';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { Empty, Loaded, Waiting } from '@/ui/states';
import { firstKind, type Kind, kinds } from './kinds';
import { modelsOf, type PlaySearch } from './search';

export default function PlayPage() {
  const { t } = useTranslation();
  const { what } = useParams({ strict: false });
  const may = useMay();
  const cards = useQuery({ ...cardsQuery, enabled: may('models.use') });
  const kind = kinds.find((one) => one.name === what);
  if (what && !kind) return <Lost />;
  return (
    <Page
      title={kind ? t(`play.kinds.${kind.name}.title`) : t('play.title')}
      needs="models.use"
      actions={
        <Group component="nav" gap={4} aria-label={t('play.title')}>
          {kinds.map((one) => (
            <Button
              key={one.name}
              size="compact-sm"
              variant={one.name === what ? 'light' : 'subtle'}
              leftSection={<one.icon size={16} aria-hidden />}
              aria-current={one.name === what ? 'page' : undefined}
              renderRoot={(props) => <Link to="/play/$what" params={{ what: one.name }} {...props} />}
            >
              {t(`play.kinds.${one.name}.tab`)}
            </Button>
          ))}
        </Group>
      }
    >
      <Loaded query={cards}>{(all) => <Playground kind={kind} cards={all} />}</Loaded>
    </Page>
  );
}

function Playground({ kind, cards }: { kind: Kind | undefined; cards: Card[] }) {
  const search: PlaySearch = useSearch({ strict: false });
  if (!kind) {
    const named = modelsOf(search.model);
    const first = firstKind(cards.filter((card) => named.includes(card.id))) ?? firstKind(cards);
    if (!first) return <Nothing />;
    return <Navigate to="/play/$what" params={{ what: first.name }} search={search} replace />;
  }
  const fitting = cards.filter(kind.fits);
  if (!fitting.length) return <Nothing kind={kind} />;
  return (
    <Suspense fallback={<Waiting />}>
      <kind.Page cards={fitting} />
    </Suspense>
  );
}

/** No model to try, and how one gets there. */
function Nothing({ kind }: { kind?: Kind }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Empty
      icon={<IconMessages size={26} />}
      title={t('play.nothing')}
      action={
        <Group justify="center">
          {may('launches.write') && (
            <Button
              renderRoot={(props) => <Link to="/launch" {...props} />}
              leftSection={<IconRocket size={16} />}
            >
              {t('play.launch')}
            </Button>
          )}
          {may('registrations.read') && (
            <Button
              variant="default"
              renderRoot={(props) => <Link to="/models" {...props} />}
              leftSection={<IconBox size={16} />}
            >
              {t('play.find')}
            </Button>
          )}
        </Group>
      }
    >
      {kind ? t(`play.kinds.${kind.name}.nothing`) : t('play.nothingHelp')}
      {!may('launches.write') && ` ${t('play.askForOne')}`}
    </Empty>
  );
}
