/** How busy a machine and its devices were. */

import { SimpleGrid } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Node } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import type { Lines } from '@/live/lines';
import { usePulse } from '@/live/usePulse';
import Chart, { type Series } from '@/ui/Chart';
import { Loaded } from '@/ui/states';
import { devicesOf } from './devices';

export default function NodeCharts({ node, minutes }: { node: Node; minutes: number }) {
  const { query, lines } = usePulse({ node: node.name }, minutes);
  return (
    <Loaded query={query} lines={6}>
      {() => <Charts node={node} lines={lines} />}
    </Loaded>
  );
}

function Charts({ node, lines }: { node: Node; lines: Lines }) {
  const { t } = useTranslation();
  const format = useFormat();
  const ids = devicesOf(node)
    .filter((device) => device.kind !== 'cpu')
    .map((device) => device.id)
    .join('\n');
  const charts = useMemo(() => {
    const line = (label: string, name: string): Series => ({
      label,
      values: lines.of[name] ?? lines.times.map(() => null),
    });
    const devices = ids ? ids.split('\n') : [];
    const told = (name: string) =>
      devices
        .filter((id) => lines.of[`${id}/${name}`]?.some((value) => value !== null))
        .map((id) => line(id, `${id}/${name}`));
    return {
      busy: [line(t('nodes.processor'), 'cpu'), ...told('utilization')],
      memory: [line(t('nodes.memoryOfMachine'), 'memory_used')],
      devices: told('memory_used'),
      temperature: told('temperature'),
      disk: [line(t('nodes.diskFreeLine'), 'disk_free')],
    };
  }, [lines, ids, t]);
  const size = devicesOf(node).reduce((most, device) => Math.max(most, device.memory_total), 0);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Chart
        title={t('nodes.chart.busy')}
        times={lines.times}
        series={charts.busy}
        format={(value) => format.percent(value, 100)}
        max={100}
      />
      <Chart
        title={t('nodes.chart.memory')}
        times={lines.times}
        series={charts.memory}
        format={format.bytes}
        max={node.devices.memory_total || undefined}
      />
      {charts.devices.length > 0 && (
        <Chart
          title={t('nodes.chart.devices')}
          times={lines.times}
          series={charts.devices}
          format={format.bytes}
          max={size || undefined}
        />
      )}
      {charts.temperature.length > 0 && (
        <Chart
          title={t('nodes.chart.temperature')}
          times={lines.times}
          series={charts.temperature}
          format={(value) => `${format.count(value)} °C`}
        />
      )}
      <Chart title={t('nodes.chart.disk')} times={lines.times} series={charts.disk} format={format.bytes} />
    </SimpleGrid>
  );
}
