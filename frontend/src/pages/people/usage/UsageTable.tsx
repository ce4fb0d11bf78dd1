import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import { type Column, LongTable } from '@/ui/LongTable';
import type { By, Sum } from './buckets';

type Props = { rows: Sum[]; by: By; currency: string; called: (name: string) => string };

export function UsageTable({ rows, by, currency, called }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo<Column<Sum>[]>(() => {
    const number = (id: 'requests' | 'errors' | 'prompt' | 'cached' | 'completion'): Column<Sum> => ({
      id,
      title: t(`usage.${id}`),
      width: id === 'cached' ? 'minmax(10rem, 1fr)' : 'minmax(7rem, 1fr)',
      align: 'right',
      by: (sum) => sum[id],
      show: (sum) => format.count(sum[id]),
    });
    return [
      {
        id: 'name',
        title: t(`usage.bys.${by}`),
        width: 'minmax(12rem, 2fr)',
        by: (sum) => called(sum.name),
        show: (sum) => called(sum.name),
      },
      number('requests'),
      number('errors'),
      number('prompt'),
      number('cached'),
      number('completion'),
      {
        id: 'cost',
        title: t('usage.cost'),
        align: 'right',
        by: (sum) => sum.cost,
        show: (sum) => format.money(sum.cost, currency),
      },
    ];
  }, [t, format, by, currency, called]);
  return (
    <LongTable
      label={t('usage.table')}
      rows={rows}
      columns={columns}
      rowId={(sum) => sum.name}
      sort="-requests"
    />
  );
}
