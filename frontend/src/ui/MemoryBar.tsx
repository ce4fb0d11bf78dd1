/** A device's memory: who has how much of it, what is free, and in red what goes beyond its end. */

import { Box, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import classes from './MemoryBar.module.css';
import { divide, type MemorySegment } from './memoryParts';

export type { MemorySegment } from './memoryParts';

type Props = {
  /** the device */
  label: string;
  /** bytes */
  total: number;
  segments: readonly MemorySegment[];
  /** names each segment below the bar */
  legend?: boolean;
  /** at the right of the label, in place of "used of total" */
  note?: ReactNode;
  height?: number;
};

export function MemoryBar({ label, total, segments, legend = false, note, height = 14 }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { parts, used, free, over, end } = divide(total, segments);
  const sum = t('memory.of', { used: format.bytes(used), total: format.bytes(total) });
  const rest = over
    ? t('memory.over', { bytes: format.bytes(over) })
    : t('memory.free', { bytes: format.bytes(free) });
  const named = segments
    .filter((one) => one.bytes > 0)
    .map((one) => `${one.label} ${format.bytes(one.bytes)}`)
    .join(', ');
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap" mb={4}>
        <Text size="sm" truncate title={label}>
          {label}
        </Text>
        <Text size="sm" c={over ? 'red' : 'dimmed'} className={classes.number}>
          {note ?? sum}
        </Text>
      </Group>
      <Box
        className={classes.bar}
        h={height}
        role="img"
        aria-label={[`${label}: ${sum}`, rest, named].filter(Boolean).join('; ')}
      >
        {parts.map((part) => (
          <Box
            key={`${part.of}${part.isOver}`}
            className={classes.part}
            data-over={part.isOver || undefined}
            title={`${part.label}: ${format.bytes(part.bytes)}`}
            bg={part.isOver ? undefined : `${part.color}.6`}
            w={`${part.percent}%`}
          />
        ))}
        {over > 0 && <span className={classes.end} style={{ insetInlineStart: `${end}%` }} />}
      </Box>
      {legend && (
        <Group gap="md" mt={6} aria-hidden>
          {parts
            .filter((part, index) => parts[index - 1]?.of !== part.of)
            .map((part) => (
              <Group key={part.of} gap={6} wrap="nowrap">
                <Box className={classes.square} bg={`${part.color}.6`} />
                <Text size="xs">
                  {part.label} {format.bytes(segments[part.of]?.bytes)}
                </Text>
              </Group>
            ))}
          <Group gap={6} wrap="nowrap">
            <Box className={classes.square} data-over={over > 0 || undefined} />
            <Text size="xs" c={over ? 'red' : undefined} fw={over ? 600 : undefined}>
              {rest}
            </Text>
          </Group>
        </Group>
      )}
    </div>
  );
}
