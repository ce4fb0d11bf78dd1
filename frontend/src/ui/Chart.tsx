/** Lines over time. uPlot draws them on a canvas: thousands of points, many times a second. */

import { Box, Text, useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import classes from './Chart.module.css';

export type Series = { label: string; values: (number | null)[] };

const COLORS = ['#4c6ef5', '#12b886', '#fd7e14', '#e64980', '#15aabf', '#82c91e', '#be4bdb', '#fab005'];

type Props = {
  title: string;
  /** seconds since 1970, rising */
  times: number[];
  series: Series[];
  format: (value: number) => string;
  height?: number;
  /** the axis ends here, as at a device's memory */
  max?: number;
};

export default function Chart({ title, times, series, format, height = 160, max }: Props) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme('light');
  const { t, i18n } = useTranslation();
  const names = series.map((one) => one.label).join('\n');
  const latest = useRef<uPlot.AlignedData>([[]]);
  latest.current = [times, ...series.map((one) => one.values)] as uPlot.AlignedData;
  const shown = useRef(format);
  shown.current = format;
  const words = useRef(t);
  words.current = t;

  useEffect(() => {
    if (!place.current || !width) return;
    const ink = scheme === 'dark' ? '#a6a7ab' : '#495057';
    const grid = scheme === 'dark' ? '#373a40' : '#e9ecef';
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    plot.current = new uPlot(
      {
        width,
        height,
        legend: { show: names.includes('\n') },
        // Half of the last time's name stands beyond the last point.
        padding: [14, 28, 0, 0],
        cursor: { points: { size: 6 } },
        hooks: {
          setCursor: [(now) => now.cursor.idx == null && now.setLegend({ idx: now.data[0].length - 1 })],
        },
        scales: { y: { range: (_, __, high) => [0, max ?? (high > 0 ? high * 1.1 : 1)] } },
        axes: [
          {
            ...axis,
            size: 34,
            gap: 9,
            values: (_, marks, __, ___, step) =>
              marks.map((at) => (step < 60 ? clock : minute)(at, i18n.language)),
          },
          { ...axis, size: 70, space: 45, values: (_, marks) => marks.map((value) => shown.current(value)) },
        ],
        series: [
          { label: words.current('chart.time'), value: (_, at) => (at ? clock(at, i18n.language) : '–') },
          ...names.split('\n').map((label, index) => ({
            label,
            stroke: COLORS[index % COLORS.length],
            width: 1.5,
            spanGaps: false,
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : shown.current(value)),
          })),
        ],
      },
      latest.current,
      place.current,
    );
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [width, height, names, scheme, i18n.language, max]);

  useEffect(
    () => plot.current?.setData([times, ...series.map((one) => one.values)] as uPlot.AlignedData),
    [times, series],
  );

  const last = series[0]?.values.findLast((value) => value !== null);
  return (
    <Box
      ref={ref}
      role="img"
      aria-label={t('chart.described', {
        title,
        value: last === undefined || last === null ? '–' : format(last),
      })}
    >
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <div ref={place} className={classes.plot} />
    </Box>
  );
}

function minute(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(at * 1000);
}

function clock(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(
    at * 1000,
  );
}
