/** Bars over time, each made of parts. The table beside it has the numbers for whoever cannot see them. */

import { Box, Group, Text, useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';

type Part = { name: string; values: readonly number[] };

type Props = {
  label: string;
  /** what each bar is called, as `Mon 3` */
  names: readonly string[];
  parts: readonly Part[];
  format: (value: number) => string;
  height?: number;
};

const COLORS = ['#4c6ef5', '#12b886', '#fd7e14', '#e64980', '#15aabf', '#82c91e', '#be4bdb', '#868e96'];
const LEFT = 64;
const BOTTOM = 22;

export function StackedBars({ label, names, parts, format, height = 240 }: Props) {
  const { ref, width } = useElementSize();
  const isDark = useComputedColorScheme('light') === 'dark';
  const ink = isDark ? '#a6a7ab' : '#495057';
  const grid = isDark ? '#373a40' : '#e9ecef';
  const totals = names.map((_, bar) => parts.reduce((sum, part) => sum + (part.values[bar] ?? 0), 0));
  const top = Math.max(...totals, 0) || 1;
  const room = Math.max(width - LEFT, 1) / Math.max(names.length, 1);
  const tall = height - BOTTOM - 8;
  const y = (value: number) => 8 + tall - (value / top) * tall;
  // As many names below as fit; Chinese letters are twice as wide.
  const widest = Math.max(
    ...names.map((name) => [...name].reduce((sum, one) => sum + (one > 'ÿ' ? 12 : 6.5), 0)),
    1,
  );
  const every = Math.max(1, Math.ceil((widest + 16) / room));
  const isNamed = (bar: number) => bar % every === 0 && bar * room + widest <= width - LEFT;
  return (
    <Box ref={ref}>
      <svg width={width} height={height} role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line x1={LEFT} x2={width} y1={y(top * share)} y2={y(top * share)} stroke={grid} />
            <text x={LEFT - 8} y={y(top * share) + 4} textAnchor="end" fontSize={11} fill={ink}>
              {format(top * share)}
            </text>
          </g>
        ))}
        {names.map((name, bar) => {
          let below = 0;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat, and bars never change places
            <g key={bar}>
              <title>
                {[name, ...parts.map((part) => `${part.name}: ${format(part.values[bar] ?? 0)}`)].join('\n')}
              </title>
              {/* All of the column answers to the pointer. */}
              <rect x={LEFT + bar * room} y={8} width={room} height={tall} fill="transparent" />
              {parts.map((part, index) => {
                const value = part.values[bar] ?? 0;
                below += value;
                return value ? (
                  <rect
                    // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat
                    key={index}
                    x={LEFT + bar * room + room * 0.1}
                    y={y(below)}
                    width={room * 0.8}
                    height={Math.max((value / top) * tall, 0.5)}
                    fill={COLORS[index % COLORS.length]}
                  />
                ) : null;
              })}
              {isNamed(bar) && (
                <text x={LEFT + bar * room} y={height - 6} fontSize={11} fill={ink}>
                  {name}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <Group gap="md">
        {parts.map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat
          <Group key={index} gap={6}>
            <Box w={10} h={10} bg={COLORS[index % COLORS.length]} aria-hidden />
            <Text size="xs">{part.name}</Text>
          </Group>
        ))}
      </Group>
    </Box>
  );
}
