/** All families that can be launched by a name, as cards. */

import { Button, Text } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFileImport, IconPlus, IconSearchOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { catalogueQuery } from '@/api/catalogue';
import type { FamilyLine } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { Empty, Loaded } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { CardGrid } from './CardGrid';
import { FilterBar } from './FilterBar';
import { entries, filtered } from './filter';
import { readFilters } from './search';

/** the address follows what is typed, a moment later */
const WRITE_MS = 300;

export default function CataloguePage() {
  const { t } = useTranslation();
  const may = useMay();
  const catalogue = useQuery({ ...catalogueQuery, enabled: may('registrations.read') });
  return (
    <Page
      title={t('models.title')}
      about={t('models.about')}
      needs="registrations.read"
      actions={
        <>
          {may('launches.write') && (
            <Button
              component={Link}
              to="/models/add"
              variant="default"
              leftSection={<IconFileImport size={16} />}
            >
              {t('models.add.action')}
            </Button>
          )}
          {may('registrations.write') && (
            <Button component={Link} to="/models/register" leftSection={<IconPlus size={16} />}>
              {t('models.register.action')}
            </Button>
          )}
        </>
      }
    >
      <Loaded query={catalogue} lines={8}>
        {(lines) => <Catalogue lines={lines} />}
      </Loaded>
    </Page>
  );
}

function Catalogue({ lines }: { lines: FamilyLine[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [filters, change] = useUrl(readFilters);
  const [typed, setTyped] = useState(filters.q);
  const write = useDebouncedCallback((q: string) => change({ q }), WRITE_MS);
  const all = useMemo(() => entries(lines), [lines]);
  // The box stays quick whatever the list takes.
  const words = useDeferredValue(typed);
  const found = useMemo(() => filtered(all, { ...filters, q: words }), [all, filters, words]);
  const clear = () => {
    setTyped('');
    change({ q: '', kind: '', ability: '', size: '', licence: '', here: false, cached: false, mine: false });
  };
  return (
    <>
      <FilterBar
        lines={lines}
        filters={filters}
        change={change}
        typed={typed}
        type={(text) => {
          setTyped(text);
          write(text);
        }}
      />
      <Text size="sm" c="dimmed" role="status">
        {t('models.found', {
          count: found.length,
          shown: format.count(found.length),
          all: format.count(lines.length),
        })}
      </Text>
      {found.length ? (
        <CardGrid lines={found} />
      ) : (
        <Empty
          icon={<IconSearchOff size={26} />}
          title={t('models.nothing')}
          action={
            <Button variant="light" onClick={clear}>
              {t('models.clear')}
            </Button>
          }
        >
          {t('models.nothingHelp')}
        </Empty>
      )}
    </>
  );
}
