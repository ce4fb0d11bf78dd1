/** Sizes, formats and quantizations; one of them is chosen. */

import { Badge, Group, Radio, Select, Switch, Text, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { WayLine } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { enginesInWords } from '@/i18n/reasons';
import { type Column, LongTable } from '@/ui/LongTable';
import { Empty } from '@/ui/states';
import type { Chosen } from './search';
import { useWords } from './useWords';
import { wayId } from './ways';

type Props = { ways: WayLine[]; way: WayLine | undefined; choose: (chosen: Chosen) => void };

export function WaysTable({ ways, way, choose }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useWords();
  const [size, setSize] = useState(way?.size ?? '');
  const [kind, setKind] = useState('');
  const [here, setHere] = useState(ways.some((one) => one.fits));
  const shown = ways.filter(
    (one) => (!size || one.size === size) && (!kind || one.format === kind) && (!here || one.fits),
  );
  const sizes = [...new Set(ways.map((one) => one.size).filter(Boolean))];
  const formats = [...new Set(ways.map((one) => one.format))];
  const take = (one: WayLine) =>
    choose({ size: one.size, format: one.format, quantization: one.quantization });
  const columns: Column<WayLine>[] = [
    {
      id: 'form',
      title: t('models.quantization'),
      by: (one) => one.quantization,
      width: 'minmax(10rem, 1.4fr)',
      show: (one) => (
        <Radio
          name="form"
          size="sm"
          checked={way !== undefined && wayId(one) === wayId(way)}
          onChange={() => take(one)}
          label={one.quantization === 'none' ? t('models.unquantized') : one.quantization}
          aria-label={[words.size(one.size), one.format, one.quantization].join(' ')}
        />
      ),
    },
    {
      id: 'size',
      title: t('models.size'),
      by: (one) => Number(one.size) || null,
      width: 'minmax(5rem, 0.6fr)',
      show: (one) =>
        one.active ? (
          <Tooltip label={t('models.active', { size: words.size(one.active) })}>
            <span>
              {words.size(one.size)} <small>A{one.active}</small>
            </span>
          </Tooltip>
        ) : (
          words.size(one.size)
        ),
    },
    {
      id: 'format',
      title: t('models.format'),
      by: (one) => one.format,
      width: 'minmax(6rem, 0.7fr)',
      show: (one) => one.format,
    },
    {
      id: 'bytes',
      title: t('models.download'),
      by: (one) => one.bytes || null,
      align: 'right',
      width: 'minmax(7.5rem, 0.7fr)',
      show: (one) => (one.bytes ? `${one.rough ? '≈ ' : ''}${format.bytes(one.bytes)}` : '–'),
    },
    {
      id: 'memory',
      title: t('models.memory'),
      by: (one) => one.memory || null,
      align: 'right',
      width: 'minmax(6.5rem, 0.7fr)',
      show: (one) => (one.memory ? format.bytes(one.memory) : '–'),
    },
    {
      id: 'here',
      title: t('models.runsHere'),
      by: (one) => (one.fits ? 0 : one.engines.length ? 1 : 2),
      width: 'minmax(11rem, 1.6fr)',
      show: (one) => <Runs way={one} />,
    },
    {
      id: 'files',
      title: t('models.files'),
      by: (one) => one.nodes.length,
      width: 'minmax(7rem, 0.8fr)',
      show: (one) =>
        one.nodes.length > 0 && (
          <Badge variant="light" color="teal" tt="none" title={one.nodes.join(', ')}>
            {t('models.onNodes', { count: one.nodes.length })}
          </Badge>
        ),
    },
  ];
  // A column of nothing takes the room of what one came for.
  const empty = new Set([
    ways.some((one) => one.size) ? '' : 'size',
    ways.some((one) => one.nodes.length) ? '' : 'files',
  ]);
  return (
    <>
      <Group gap="sm" mb="xs">
        {sizes.length > 1 && (
          <Select
            aria-label={t('models.size')}
            placeholder={t('models.anySize')}
            data={sizes.map((value) => ({ value, label: words.size(value) }))}
            value={size || null}
            onChange={(value) => setSize(value ?? '')}
            clearable
            w={160}
          />
        )}
        {formats.length > 1 && (
          <Select
            aria-label={t('models.format')}
            placeholder={t('models.anyFormat')}
            data={formats}
            value={kind || null}
            onChange={(value) => setKind(value ?? '')}
            clearable
            w={160}
          />
        )}
        <Switch
          label={t('models.onlyHere')}
          checked={here}
          onChange={(event) => setHere(event.currentTarget.checked)}
        />
      </Group>
      {shown.length ? (
        <LongTable
          label={t('models.forms')}
          rows={shown}
          columns={columns.filter((column) => !empty.has(column.id))}
          rowId={wayId}
          onOpen={take}
          maxHeight="60vh"
        />
      ) : (
        <Empty title={here ? t('models.noForm') : t('models.nothing')}>
          {here && t('models.noFormHelp')}
        </Empty>
      )}
    </>
  );
}

function Runs({ way }: { way: WayLine }) {
  const { t } = useTranslation();
  if (way.fits)
    return (
      <Badge variant="light" color="teal" tt="none" title={way.engines.join(', ')}>
        {way.engines[0]}
      </Badge>
    );
  const reason = way.engines.length
    ? t('models.noRoom')
    : enginesInWords(way.reasons, way.reason) || t('models.noNode');
  return (
    <Tooltip label={reason} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
      <Text span size="xs" c="dimmed">
        {reason}
      </Text>
    </Tooltip>
  );
}
