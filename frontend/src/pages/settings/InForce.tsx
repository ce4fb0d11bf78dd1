import { Badge, Code, Group, Switch, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ShownSetting } from '@/api/schema';
import { settingsQuery } from '@/api/settings';
import { type Column, LongTable } from '@/ui/LongTable';
import { Empty, Loaded } from '@/ui/states';
import { asText, type Search, useUrl } from '@/ui/useUrl';

const read = (search: Search) => ({ q: asText(search.q), given: search.given === true });

/** The values in force, and where each came from. They are changed where the server is started. */
export function InForce() {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl(read);
  const settings = useQuery(settingsQuery);
  const columns = useMemo<Column<ShownSetting>[]>(
    () => [
      {
        id: 'name',
        title: t('common.name'),
        width: 'minmax(14rem, 1fr)',
        by: (one) => one.name,
        show: (one) => <Code title={`${one.variable} ${one.flag}`.trim()}>{one.name}</Code>,
      },
      {
        id: 'value',
        title: t('settings.value'),
        width: 'minmax(10rem, 1fr)',
        show: (one) =>
          one.secret ? (
            <Text span size="sm" c="dimmed">
              {one.is_set ? t('settings.secretSet') : t('settings.secretNotSet')}
            </Text>
          ) : (
            String(one.value ?? '–') || '–'
          ),
      },
      {
        id: 'origin',
        title: t('settings.origin'),
        width: '9rem',
        by: (one) => one.origin,
        show: (one) => (
          <Badge
            variant="light"
            tt="none"
            color={one.origin === 'default' ? 'gray' : 'brand'}
            title={one.given_by}
          >
            {t(`settings.origins.${one.origin}`)}
          </Badge>
        ),
      },
      {
        id: 'meaning',
        title: t('settings.meaning'),
        width: 'minmax(20rem, 3fr)',
        show: (one) => <span title={one.meaning}>{one.meaning}</span>,
      },
    ],
    [t],
  );
  const wanted = url.q.toLowerCase();
  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">
        {t('settings.valuesAbout')}
      </Text>
      <Group mb="md">
        <TextInput
          aria-label={t('common.search')}
          placeholder={t('common.search')}
          leftSection={<IconSearch size={16} />}
          w={260}
          value={url.q}
          onChange={(event) => setUrl({ q: event.currentTarget.value })}
        />
        <Switch
          label={t('settings.onlyGiven')}
          checked={url.given}
          onChange={(event) => setUrl({ given: event.currentTarget.checked })}
        />
      </Group>
      <Loaded query={settings}>
        {(all) => {
          const rows = all.filter(
            (one) =>
              (!url.given || one.origin !== 'default') &&
              `${one.name} ${one.meaning} ${one.variable}`.toLowerCase().includes(wanted),
          );
          if (!rows.length) return <Empty title={t('settings.noneLikeThat')} />;
          return (
            <LongTable
              label={t('settings.parts.values')}
              rows={rows}
              columns={columns}
              rowId={(one) => one.name}
              sort="name"
            />
          );
        }}
      </Loaded>
    </>
  );
}
