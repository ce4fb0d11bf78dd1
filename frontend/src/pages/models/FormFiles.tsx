/** Where a form's files are: on which nodes, at which hubs; fetched ahead of a launch, with progress. */

import { Anchor, Button, Group, Progress, Select, Stack, Text, Title } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Kind } from '@/api/catalogue';
import { filesQuery, useFetchAhead } from '@/api/files';
import type { Source, WayLine } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { CopyIcon } from '@/ui/Copy';
import { message } from '@/ui/problems';
import { ProblemAlert } from '@/ui/states';

export function FormFiles({ kind, name, way }: { kind: Kind; name: string; way: WayLine }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const files = useQuery({ ...filesQuery, enabled: may('files.read') });
  const fetchAhead = useFetchAhead();
  const [node, setNode] = useState<string | null>(null);
  const [hub, setHub] = useState<string | null>(null);
  const nodes = files.data?.nodes.map((one) => one.node) ?? [];
  const hubs = way.sources
    .map((one) => one.hub)
    .filter((one) => one === 'huggingface' || one === 'modelscope');
  const coming = (files.data?.nodes ?? []).flatMap((one) =>
    one.downloads
      .filter((download) => download.state !== 'done' && download.state !== 'cancelled')
      .filter((download) =>
        way.sources.some((source) => source.hub === download.hub && source.id === download.name),
      )
      .map((download) => ({ node: one.node, download })),
  );
  // Where files are is told with the forms: asked for anew when the last of a download has come.
  const client = useQueryClient();
  const isComing = coming.length > 0;
  const wasComing = useRef(false);
  useEffect(() => {
    if (wasComing.current && !isComing) void client.invalidateQueries({ queryKey: ['catalogue'] });
    wasComing.current = isComing;
  }, [client, isComing]);
  return (
    <div>
      <Title order={3} size="h6" mb={4}>
        {t('models.files')}
      </Title>
      <Stack gap="xs">
        {way.sources.map((source) => (
          <Group key={`${source.hub} ${source.id} ${source.entry}`} gap={4} wrap="nowrap">
            <Text size="sm" truncate title={source.id}>
              {pageOf(source) ? (
                <Anchor href={pageOf(source)} target="_blank" rel="noreferrer" size="sm">
                  {source.hub}: {source.id}
                </Anchor>
              ) : (
                source.id
              )}
            </Text>
            <CopyIcon value={source.id} label={t('models.copyId', { id: source.id })} />
          </Group>
        ))}
        {way.nodes.length > 0 && (
          <Text size="sm">{t('models.downloadedOn', { nodes: way.nodes.join(', ') })}</Text>
        )}
        {coming.map(({ node: at, download }) => (
          <div key={`${at} ${download.id}`} role="status">
            <Group justify="space-between" gap="xs">
              <Anchor component={Link} to="/files" size="sm">
                {t('models.downloadingTo', { node: at })}
              </Anchor>
              <Text size="xs" c="dimmed">
                {download.total ? format.percent(download.done, download.total) : format.bytes(download.done)}
                {download.speed > 0 && ` · ${t('files.perSecond', { size: format.bytes(download.speed) })}`}
              </Text>
            </Group>
            <Progress
              value={download.total ? (100 * download.done) / download.total : 0}
              aria-label={t('models.downloadingTo', { node: at })}
              color={download.state === 'failed' ? 'red' : undefined}
            />
            {download.error && (
              <Text size="xs" c="red">
                {message(download.error)}
              </Text>
            )}
          </div>
        ))}
        {may('files.write') && hubs.length > 0 && !coming.length && (
          <Group gap="xs" align="flex-end">
            {nodes.length > 1 && (
              <Select
                label={t('models.toNode')}
                data={nodes}
                value={node ?? nodes[0] ?? null}
                onChange={setNode}
                allowDeselect={false}
                size="xs"
                w={140}
              />
            )}
            {hubs.length > 1 && (
              <Select
                label={t('models.fromHub')}
                data={[...new Set(hubs)]}
                value={hub ?? hubs[0] ?? null}
                onChange={setHub}
                allowDeselect={false}
                size="xs"
                w={140}
              />
            )}
            <Button
              size="xs"
              variant="light"
              leftSection={<IconDownload size={14} />}
              loading={fetchAhead.isPending}
              onClick={() =>
                fetchAhead.mutate({
                  kind,
                  name,
                  size: way.size || undefined,
                  format: way.format,
                  quantization: way.quantization,
                  node: node ?? undefined,
                  hub: (hub as 'huggingface' | null) ?? undefined,
                })
              }
            >
              {t('models.fetchAhead')}
            </Button>
          </Group>
        )}
        <ProblemAlert error={fetchAhead.error} />
      </Stack>
    </div>
  );
}

/** The page that people read. */
function pageOf(source: Source): string {
  if (source.hub === 'huggingface') return `https://huggingface.co/${source.id}`;
  if (source.hub === 'modelscope') return `https://modelscope.cn/models/${source.id}`;
  return '';
}
