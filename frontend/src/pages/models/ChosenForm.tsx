/** The form that was chosen: engines with reasons, its memory on each device, its files. */

import { Alert, Card, List, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { estimateQuery, type Kind } from '@/api/catalogue';
import { nodesQuery } from '@/api/nodes';
import type { Estimates, Node, WayLine } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { allInWords } from '@/i18n/reasons';
import { useMay } from '@/session/session';
import { MemoryBar } from '@/ui/MemoryBar';
import { Loaded } from '@/ui/states';
import { FormFiles } from './FormFiles';
import { useWords } from './useWords';

export function ChosenForm({ kind, name, way }: { kind: Kind; name: string; way: WayLine }) {
  const may = useMay();
  const words = useWords();
  const form = { size: way.size, format: way.format, quantization: way.quantization };
  const estimate = useQuery({ ...estimateQuery(kind, name, form, ''), enabled: may('launches.write') });
  const title = [way.size && words.size(way.size), way.format, way.quantization].filter(Boolean).join(' · ');
  return (
    <Card withBorder component="section" aria-labelledby="chosen-form">
      <Stack gap="md">
        <Title order={2} size="h5" id="chosen-form">
          {title}
        </Title>
        {may('launches.write') && (
          <Loaded query={estimate} lines={4}>
            {(found) => (
              <>
                <Engines found={found} />
                <Devices found={found} />
              </>
            )}
          </Loaded>
        )}
        <FormFiles kind={kind} name={name} way={way} />
      </Stack>
    </Card>
  );
}

function Engines({ found }: { found: Estimates }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div>
      <Title order={3} size="h6" mb={4}>
        {t('models.engines')}
      </Title>
      <List spacing={4} size="sm" center={false}>
        {found.engines.map((one) => (
          <List.Item
            key={one.engine}
            icon={
              <ThemeIcon size={18} radius="xl" variant="light" color={one.reads ? 'teal' : 'gray'}>
                {one.reads ? <IconCheck size={12} /> : <IconX size={12} />}
              </ThemeIcon>
            }
          >
            <Text span size="sm" fw={one.reads ? 600 : 400}>
              {one.engine}
            </Text>{' '}
            <Text span size="sm" c="dimmed">
              {one.estimate
                ? t('models.takes', { memory: format.bytes(one.estimate.total) })
                : allInWords(one.reasons, one.reason)}
            </Text>
          </List.Item>
        ))}
      </List>
    </div>
  );
}

/** What one replica would take of each device that is up, beside what is used there now. */
function Devices({ found }: { found: Estimates }) {
  const { t } = useTranslation();
  const may = useMay();
  const nodes = useQuery({ ...nodesQuery, enabled: may('nodes.read') });
  const best = found.engines.find((one) => one.estimate);
  if (!best?.estimate || !nodes.data) return null;
  const { device, total, rough, correction, least } = best.estimate;
  return (
    <div>
      <Title order={3} size="h6" mb={4}>
        {t('models.memoryWith', { engine: best.engine })}
      </Title>
      <Stack gap="sm">
        {devicesOf(nodes.data).map(({ node, one }) => (
          <MemoryBar
            key={`${node} ${one.id}`}
            label={`${node} · ${one.name || one.id}`}
            total={one.memory_total}
            segments={[
              { label: t('models.inUse'), bytes: one.memory_used, color: 'gray' },
              {
                label: t('models.thisModel'),
                bytes: one.kind === 'cpu' ? total : device || total,
                color: 'blue',
              },
            ]}
          />
        ))}
        <Text size="xs" c="dimmed">
          {t('models.estimateHelp', { slots: found.slots })}
          {rough && ` ${t('models.rough')}`}
          {correction !== 1 && ` ${t('models.learned')}`}
        </Text>
        {least > 0 && least < total / 2 && (
          <Alert variant="light" p="xs">
            <Text size="xs">{t('models.shorter')}</Text>
          </Alert>
        )}
      </Stack>
    </div>
  );
}

function devicesOf(nodes: Node[]) {
  return nodes
    .filter((node) => node.state === 'up')
    .flatMap((node) => (node.devices.devices ?? []).map((one) => ({ node: node.name, one })));
}
