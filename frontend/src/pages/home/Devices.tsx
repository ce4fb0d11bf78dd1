/** The memory of the machines' devices. */

import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '@/api/nodes';
import { DeviceMemory } from '@/pages/nodes/DeviceMemory';
import { devicesOf } from '@/pages/nodes/devices';
import { TextLink } from '@/ui/links';
import { Loaded } from '@/ui/states';

const SHOWN = 16;

export function Devices() {
  const { t } = useTranslation();
  const query = useQuery(nodesQuery);
  return (
    <Paper withBorder p="md" miw={0}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {t('home.devices')}
        </Title>
        <TextLink to="/nodes">{t('home.allNodes')}</TextLink>
      </Group>
      <Loaded query={query} lines={3}>
        {(nodes) => {
          const up = nodes.filter((node) => node.state === 'up');
          const devices = up.flatMap((node) => devicesOf(node).map((device) => ({ node, device })));
          return (
            <Stack gap="sm">
              {devices.slice(0, SHOWN).map(({ node, device }) => (
                <DeviceMemory
                  key={`${node.name} ${device.id}`}
                  device={device}
                  node={nodes.length > 1 ? node.name : undefined}
                />
              ))}
              {devices.length > SHOWN && (
                <Text size="sm" c="dimmed">
                  {t('home.further', { count: devices.length - SHOWN })}
                </Text>
              )}
              {!devices.length && (
                <Text size="sm" c="dimmed">
                  {t('home.noDevices')}
                </Text>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </Paper>
  );
}
