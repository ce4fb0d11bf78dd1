/** Model files on the nodes: what is on its way, what is here, and what may go. */

import { Button, CloseButton, Group, Select, SimpleGrid, Stack, TextInput, Title } from '@mantine/core';
import { IconCloudDownload, IconDatabaseOff, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { filesQuery } from '@/api/files';
import type { Files } from '@/api/schema';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { Empty, Loaded } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { CachedTable } from './CachedTable';
import { DownloadCard } from './DownloadCard';
import { NodeDisk } from './NodeDisk';
import { cachedRows, downloadRows } from './rows';
import { readFilesSearch } from './search';

export default function FilesPage() {
  const { t } = useTranslation();
  const may = useMay();
  const files = useQuery({ ...filesQuery, enabled: may('files.read') });
  return (
    <Page
      title={t('files.title')}
      about={t('files.about')}
      needs="files.read"
      actions={
        <Button component={Link} to="/models" leftSection={<IconCloudDownload size={16} />} variant="default">
          {t('files.fetch')}
        </Button>
      }
    >
      <Loaded
        query={files}
        isEmpty={(data) => !data.nodes.length}
        empty={<Empty title={t('files.noNode')}>{t('files.noNodeHelp')}</Empty>}
      >
        {(data) => <AllFiles files={data} />}
      </Loaded>
    </Page>
  );
}

function AllFiles({ files }: { files: Files }) {
  const { t } = useTranslation();
  const [search, change] = useUrl(readFilesSearch);
  const downloads = useMemo(() => downloadRows(files, search), [files, search]);
  const cached = useMemo(() => cachedRows(files, search), [files, search]);
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        {files.nodes.map((node) => (
          <NodeDisk key={node.node} node={node} />
        ))}
      </SimpleGrid>
      <Group gap="sm" role="search">
        <TextInput
          type="search"
          value={search.q}
          onChange={(event) => change({ q: event.currentTarget.value })}
          placeholder={t('files.search')}
          aria-label={t('files.search')}
          leftSection={<IconSearch size={16} />}
          rightSection={
            search.q && (
              <CloseButton size="sm" aria-label={t('files.clearSearch')} onClick={() => change({ q: '' })} />
            )
          }
          flex={1}
          maw={420}
        />
        {files.nodes.length > 1 && (
          <Select
            aria-label={t('files.node')}
            placeholder={t('files.anyNode')}
            data={files.nodes.map((node) => node.node)}
            value={search.node || null}
            onChange={(node) => change({ node: node ?? '' })}
            clearable
          />
        )}
      </Group>
      <section aria-labelledby="downloads">
        <Title order={2} size="h4" id="downloads" mb="xs">
          {t('files.downloads')}
        </Title>
        {downloads.length ? (
          <Stack gap="xs">
            {downloads.map((download) => (
              <DownloadCard key={`${download.node} ${download.id}`} download={download} />
            ))}
          </Stack>
        ) : (
          <Empty icon={<IconCloudDownload size={26} />} title={t('files.noDownload')}>
            {t('files.noDownloadHelp')}
          </Empty>
        )}
      </section>
      <section aria-labelledby="cached">
        <Title order={2} size="h4" id="cached" mb="xs">
          {t('files.cached')}
        </Title>
        {cached.length ? (
          <CachedTable rows={cached} />
        ) : (
          <Empty icon={<IconDatabaseOff size={26} />} title={t('files.nothing')}>
            {t('files.nothingHelp')}
          </Empty>
        )}
      </section>
    </Stack>
  );
}
