/** What is asked of the model, over time. */

import { Group, SegmentedControl, SimpleGrid } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import { usePulse } from '@/live/usePulse';
import { Placeholder, ProblemAlert } from '@/ui/states';

const Chart = lazy(() => import('@/ui/Chart'));
const SPANS = ['15', '60', '360', '1440'] as const;

export function Traffic({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [minutes, setMinutes] = useState<string>('15');
  const { query, lines } = usePulse({ model: uid }, Number(minutes));
  const none = () => Array<null>(lines.times.length).fill(null);
  const line = (name: string, label: string) => ({ label, values: lines.of[name] ?? none() });
  const charts = [
    {
      title: t('running.chart.tokens'),
      series: [line('tokens_out', t('running.chart.generated')), line('tokens_in', t('running.chart.read'))],
      format: format.count,
    },
    {
      title: t('running.chart.first'),
      series: [
        line('first_token_p50', t('running.chart.median')),
        line('first_token_p95', t('running.chart.slowest')),
      ],
      format: format.seconds,
    },
    {
      title: t('running.chart.inFlight'),
      series: [line('running', t('running.chart.running')), line('waiting', t('running.chart.waiting'))],
      format: format.count,
    },
    {
      title: t('running.chart.requests'),
      series: [line('requests', t('running.chart.answered')), line('errors', t('running.chart.errors'))],
      format: format.count,
    },
  ];
  return (
    <>
      <Group justify="flex-end">
        <SegmentedControl
          size="xs"
          aria-label={t('running.chart.span')}
          value={minutes}
          onChange={setMinutes}
          data={SPANS.map((span) => ({ value: span, label: format.seconds(Number(span) * 60) }))}
        />
      </Group>
      <ProblemAlert error={query.error} />
      <Suspense fallback={<Placeholder lines={4} />}>
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          {charts.map((chart) => (
            <Chart key={chart.title} times={lines.times} {...chart} />
          ))}
        </SimpleGrid>
      </Suspense>
    </>
  );
}
