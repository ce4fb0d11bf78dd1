/** What is left on each device with this model beside what is there already. */

import { Alert, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '@/api/nodes';
import type { Estimate } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { MemoryBar } from '@/ui/MemoryBar';
import { barsOf } from './bars';
import type { Draft } from './draft';

/** More are a page of their own. */
const SHOWN = 8;

export function MemoryPreview({ estimate, draft }: { estimate: Estimate | null; draft: Draft }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const query = useQuery({ ...nodesQuery, enabled: may('nodes.read') });
  const bars = barsOf(query.data ?? [], estimate, draft);
  if (!may('nodes.read')) return null;
  const fits = bars.some((bar) => bar.fits);
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('running.memory')}
        </Title>
        {estimate && (
          <Text size="sm">
            {t('launch.memory.takes', {
              total: format.bytes(estimate.total),
              weights: format.bytes(estimate.weights),
              cache: format.bytes(estimate.cache),
            })}
            {estimate.rough && ` ${t('launch.memory.rough')}`}
          </Text>
        )}
        {estimate && bars.length > 0 && !fits && (
          <Alert color="orange" variant="light" role="status">
            {t('launch.memory.doesNotFit')}
          </Alert>
        )}
        {bars.slice(0, SHOWN).map((bar) => (
          <MemoryBar
            key={bar.id}
            label={bar.label}
            total={bar.total}
            segments={[
              { label: t('launch.memory.used'), bytes: bar.used, color: 'gray' },
              { label: t('launch.memory.this'), bytes: bar.more, color: 'blue' },
            ]}
            legend={bar === bars[0]}
          />
        ))}
        {bars.length > SHOWN && (
          <Text size="xs" c="dimmed">
            {t('launch.memory.more', { count: bars.length - SHOWN })}
          </Text>
        )}
        {!bars.length && query.isSuccess && (
          <Text size="sm" c="dimmed">
            {t('launch.memory.nowhere')}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
