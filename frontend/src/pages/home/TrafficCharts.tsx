/** What is asked of all models, over the last minutes. */

import { Paper, SimpleGrid } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import type { Lines } from '@/live/lines';
import Chart from '@/ui/Chart';

export default function TrafficCharts({ lines }: { lines: Lines }) {
  const { t } = useTranslation();
  const format = useFormat();
  const charts = useMemo(
    () =>
      (
        [
          ['requests', ['requests', 'errors'], format.count],
          ['tokens', ['tokens_out', 'tokens_in'], format.count],
          ['load', ['running', 'waiting'], format.count],
          ['firstToken', ['first_token_p50', 'first_token_p95'], format.seconds],
        ] as const
      ).map(([name, shown, say]) => ({
        title: t(`home.chart.${name}`),
        format: say,
        series: shown.map((line) => ({
          label: t(`home.line.${line}`),
          values: lines.of[line] ?? lines.times.map(() => null),
        })),
      })),
    [lines, t, format],
  );
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
      {charts.map((chart) => (
        <Paper key={chart.title} withBorder p="md" miw={0}>
          <Chart {...chart} times={lines.times} />
        </Paper>
      ))}
    </SimpleGrid>
  );
}
