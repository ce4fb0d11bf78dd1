/** The machines of the cluster: what they are, how full they are, and how a further one joins. */

import { Button, Group, Paper, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconPlus, IconSearch, IconServerOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '@/api/nodes';
import type { Node } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { TextLink } from '@/ui/links';
import { Page } from '@/ui/Page';
import { Empty, Loaded } from '@/ui/states';
import { DeviceMemory } from './DeviceMemory';
import { devicesOf } from './devices';
import { JoinDialog } from './JoinDialog';
import { JoinTokens } from './JoinTokens';
import { NodeState } from './NodeState';
import classes from './nodes.module.css';

/** From so many on one looks for a machine by its name. */
const MANY = 9;

export default function NodesPage() {
  const { t } = useTranslation();
  const mayLetIn = useMay()('cluster.write');
  const [joining, setJoining] = useState(false);
  return (
    <Page
      title={t('nodes.title')}
      about={t('nodes.about')}
      needs="nodes.read"
      actions={
        mayLetIn && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setJoining(true)}>
            {t('nodes.join.open')}
          </Button>
        )
      }
    >
      <Machines />
      {mayLetIn && <JoinTokens />}
      {mayLetIn && <JoinDialog opened={joining} close={() => setJoining(false)} />}
    </Page>
  );
}

function Machines() {
  const { t } = useTranslation();
  const query = useQuery(nodesQuery);
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.trim().toLowerCase());
  return (
    <Loaded
      query={query}
      isEmpty={(nodes) => !nodes.length}
      empty={
        <Empty icon={<IconServerOff size={26} />} title={t('nodes.none')}>
          {t('nodes.noneHelp')}
        </Empty>
      }
    >
      {(nodes) => {
        const shown = nodes.filter((node) => matches(node, wanted));
        return (
          <Stack gap="sm">
            {nodes.length >= MANY && (
              <TextInput
                aria-label={t('nodes.search')}
                placeholder={t('nodes.search')}
                leftSection={<IconSearch size={16} aria-hidden />}
                value={text}
                onChange={(event) => setText(event.currentTarget.value)}
                maw={320}
              />
            )}
            <SimpleGrid
              component="ul"
              cols={{ base: 1, md: 2, xl: 3 }}
              spacing="sm"
              m={0}
              p={0}
              aria-label={t('nodes.title')}
            >
              {shown.map((node) => (
                <Machine key={node.name} node={node} />
              ))}
            </SimpleGrid>
            {!shown.length && <Text c="dimmed">{t('nodes.noMatch')}</Text>}
          </Stack>
        );
      }}
    </Loaded>
  );
}

function matches(node: Node, wanted: string): boolean {
  if (!wanted) return true;
  const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${value}`);
  const devices = devicesOf(node).map((device) => device.name);
  return [node.name, node.address, ...labels, ...devices].some((one) => one.toLowerCase().includes(wanted));
}

function Machine({ node }: { node: Node }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { disk } = node.files;
  return (
    <Paper component="li" withBorder p="md" miw={0} className={classes.machine}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={2} size="h4" miw={0} className={classes.name}>
          <TextLink to="/nodes/$name" params={{ name: node.name }} fz="inherit">
            {node.name}
          </TextLink>
        </Title>
        <NodeState node={node} />
      </Group>
      <Text size="sm" c="dimmed" mb="sm">
        {[node.address, node.version].filter(Boolean).join(' · ')}
        {node.state !== 'up' && (
          <>
            {' · '}
            {t('nodes.heard')} <Ago at={node.heartbeat} />
          </>
        )}
      </Text>
      <Stack gap="sm">
        {devicesOf(node).map((device) => (
          <DeviceMemory key={device.id} device={device} />
        ))}
      </Stack>
      <Text size="sm" mt="sm">
        {[
          t('nodes.replicas', { count: node.replicas }),
          disk?.free !== undefined && t('nodes.diskFree', { bytes: format.bytes(disk.free) }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
    </Paper>
  );
}
