/** One machine: its devices now and over time, what runs on it, and what can be done with it. */

import { Alert, Badge, Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { nodeQuery } from '@/api/nodes';
import type { Node } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { RecentEvents } from '@/pages/events/RecentEvents';
import { useMay } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { TextLink } from '@/ui/links';
import { MemoryBar } from '@/ui/MemoryBar';
import { Page } from '@/ui/Page';
import { Loaded, Placeholder } from '@/ui/states';
import { DeviceMemory } from './DeviceMemory';
import { devicesOf } from './devices';
import { Labels } from './Labels';
import { NodeActions } from './NodeActions';
import { NodeReplicas } from './NodeReplicas';
import { NodeState } from './NodeState';
import { SPANS, type Span } from './search';

const NodeCharts = lazy(() => import('./NodeCharts'));

export default function NodePage() {
  const { name = '' } = useParams({ strict: false });
  const { t } = useTranslation();
  const may = useMay();
  const query = useQuery({ ...nodeQuery(name), enabled: may('nodes.read') });
  return (
    <Page
      title={name}
      needs="nodes.read"
      about={query.data && <NodeState node={query.data} />}
      actions={
        <>
          {may('logs.read') && (
            <TextLink to="/logs" search={{ node: name }}>
              {t('nodes.logs')}
            </TextLink>
          )}
          {query.data && may('nodes.write') && <NodeActions node={query.data} />}
        </>
      }
    >
      <Loaded query={query} lines={8}>
        {(node) => <Machine node={node} />}
      </Loaded>
    </Page>
  );
}

function Machine({ node }: { node: Node }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Stack gap="md">
      {(node.cordoned || node.state !== 'up') && (
        <Alert color="orange" variant="light" icon={<IconInfoCircle size={18} />}>
          {node.state !== 'up'
            ? t('nodes.silentHelp')
            : t(node.draining ? 'nodes.drainingHelp' : 'nodes.cordonedHelp')}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Part title={t('nodes.devices')}>
          <Stack gap="md">
            {devicesOf(node).map((device) => (
              <DeviceMemory key={device.id} device={device} legend />
            ))}
          </Stack>
        </Part>
        <About node={node} />
      </SimpleGrid>
      <Over node={node} />
      {may('launches.read') && <NodeReplicas node={node.name} />}
      {may('events.read') && <RecentEvents choice={{ node: node.name }} />}
    </Stack>
  );
}

function About({ node }: { node: Node }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const { cpus, memory_total, memory_available } = node.devices;
  const { disk, cached } = node.files;
  const engines = Object.entries(node.engines).sort(([a], [b]) => a.localeCompare(b));
  const total = disk?.limit ?? disk?.total;
  const facts: [string, ReactNode][] = [
    [t('nodes.fact.address'), node.address || '–'],
    [t('nodes.fact.version'), node.version || '–'],
    [t('nodes.fact.heard'), <Ago key="heard" at={node.heartbeat} />],
    [t('nodes.fact.cpus'), format.count(cpus)],
    [
      t('nodes.fact.memory'),
      t('nodes.fact.memoryFree', {
        free: format.bytes(memory_available),
        total: format.bytes(memory_total),
      }),
    ],
  ];
  return (
    <Part title={t('nodes.machine')}>
      <dl>
        {facts.map(([name, value]) => (
          <Group key={name} gap="xs" wrap="nowrap" align="flex-start" py={3}>
            <Text component="dt" size="sm" c="dimmed" w={140} flex="none">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0} miw={0}>
              {value}
            </Text>
          </Group>
        ))}
      </dl>
      {disk?.free !== undefined && (
        <MemoryBar
          label={t('nodes.fact.disk')}
          total={total ?? (disk.used ?? 0) + disk.free}
          note={t('nodes.diskFree', { bytes: format.bytes(disk.free) })}
          segments={[
            { label: t('nodes.fact.files'), bytes: disk.used ?? 0, color: 'blue' },
            {
              label: t('nodes.fact.otherFiles'),
              bytes: disk.limit ? 0 : Math.max(0, (disk.total ?? 0) - disk.free - (disk.used ?? 0)),
              color: 'gray',
            },
          ]}
          legend
        />
      )}
      {may('files.read') && cached && (
        <Text size="sm" mt={4}>
          <TextLink to="/files">{t('nodes.cached', { count: cached.length })}</TextLink>
        </Text>
      )}
      <Title order={3} size="h5" mt="md" mb={4}>
        {t('nodes.engines')}
      </Title>
      <Group gap={6}>
        {engines.map(([name, version]) => (
          <Badge key={name} variant="default" tt="none">
            {name} {version}
          </Badge>
        ))}
        {!engines.length && (
          <Text size="sm" c="dimmed">
            {t('nodes.noEngines')}
          </Text>
        )}
      </Group>
      <Title order={3} size="h5" mt="md" mb={4}>
        {t('nodes.labels')}
      </Title>
      <Labels node={node} mayChange={may('nodes.write')} />
    </Part>
  );
}

/** Its charts, as far back as the address says. */
function Over({ node }: { node: Node }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { minutes = 15 } = useSearch({ strict: false }) as { minutes?: Span };
  const choose = (value: string) => {
    const span = SPANS.find((one) => String(one) === value);
    void navigate({
      to: '/nodes/$name',
      params: { name: node.name },
      search: { minutes: span === 15 ? undefined : span },
      replace: true,
    });
  };
  return (
    <Part
      title={t('nodes.over')}
      right={
        <SegmentedControl
          size="xs"
          aria-label={t('nodes.span')}
          value={String(minutes)}
          onChange={choose}
          data={SPANS.map((span) => ({ value: String(span), label: t(`nodes.spans.${span}`) }))}
        />
      }
    >
      <Suspense fallback={<Placeholder lines={6} />}>
        <NodeCharts node={node} minutes={minutes} />
      </Suspense>
    </Part>
  );
}

function Part({ title, right, children }: { title: string; right?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="md" miw={0}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {title}
        </Title>
        {right}
      </Group>
      {children}
    </Paper>
  );
}
