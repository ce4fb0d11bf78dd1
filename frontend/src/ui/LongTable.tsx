/** A table of any length: only the rows in sight exist. Sorted by its columns, walked through by keys. */

import { Box, Table, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconSelector } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import classes from './LongTable.module.css';

export type Column<Row> = {
  id: string;
  title: string;
  show: (row: Row) => ReactNode;
  /** what it is sorted by; without it the column cannot be sorted */
  by?: (row: Row) => string | number | null;
  /** CSS width, as `minmax(8rem, 1fr)` */
  width?: string;
  align?: 'right';
  /** its title is only heard */
  quiet?: boolean;
};

type Props<Row> = {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowId: (row: Row) => string;
  onOpen?: (row: Row) => void;
  rowHeight?: number;
  maxHeight?: number | string;
  /** sorted by this column at first; `-` before it: falling */
  sort?: string;
  /** called when the last row comes into sight: there may be more */
  onEnd?: () => void;
};

export function LongTable<Row>({
  label,
  rows,
  columns,
  rowId,
  onOpen,
  rowHeight = 44,
  maxHeight = '70vh',
  sort,
  onEnd,
}: Props<Row>) {
  const [order, setOrder] = useState(sort ?? '');
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => sortRows(rows, columns, order), [rows, columns, order]);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => {
      const row = sorted[index];
      return row === undefined ? index : rowId(row);
    },
  });
  const last = virtual.getVirtualItems().at(-1)?.index ?? -1;
  const isAtEnd = last >= 0 && last >= sorted.length - 1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again after each page
  useEffect(() => {
    if (isAtEnd) onEnd?.();
  }, [isAtEnd, sorted.length]);
  const opened = useRef(onOpen);
  opened.current = onOpen;
  const open = useCallback((row: Row) => opened.current?.(row), []);
  const template = columns.map((column) => column.width ?? 'minmax(7rem, 1fr)').join(' ');
  const turn = (id: string) => setOrder(order === id ? `-${id}` : id);
  return (
    <Box
      ref={scroller}
      className={classes.scroller}
      mah={maxHeight}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <Table
        component="div"
        role="table"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        className={classes.table}
        __vars={{ '--columns': template }}
      >
        <div role="rowgroup" className={classes.head}>
          <div role="row" className={classes.row} aria-rowindex={1}>
            {columns.map((column) => (
              <div
                key={column.id}
                role="columnheader"
                className={classes.cell}
                data-align={column.align}
                aria-sort={
                  order === column.id ? 'ascending' : order === `-${column.id}` ? 'descending' : undefined
                }
              >
                {column.by ? (
                  <UnstyledButton className={classes.sort} onClick={() => turn(column.id)}>
                    {column.title}
                    {order === column.id ? (
                      <IconChevronUp size={14} />
                    ) : order === `-${column.id}` ? (
                      <IconChevronDown size={14} />
                    ) : (
                      <IconSelector size={14} opacity={0.4} />
                    )}
                  </UnstyledButton>
                ) : column.quiet ? (
                  <VisuallyHidden>{column.title}</VisuallyHidden>
                ) : (
                  column.title
                )}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = sorted[item.index];
            if (row === undefined) return null;
            return (
              <Line
                key={item.key}
                row={row}
                columns={columns}
                place={item.index}
                top={item.start}
                height={rowHeight}
                open={onOpen ? open : undefined}
              />
            );
          })}
        </div>
      </Table>
    </Box>
  );
}

type LineProps<Row> = {
  row: Row;
  columns: readonly Column<Row>[];
  place: number;
  top: number;
  height: number;
  open: ((row: Row) => void) | undefined;
};

/** Drawn again only when it changed: while one scrolls, most of those in sight have not. */
const Line = memo(function Line<Row>({ row, columns, place, top, height, open }: LineProps<Row>) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: its first cell has the link that keys open
    <div
      role="row"
      aria-rowindex={place + 2}
      className={classes.row}
      data-opens={open ? true : undefined}
      style={{ height, position: 'absolute', insetInline: 0, transform: `translateY(${top}px)` }}
      onClick={(event) => {
        if (open && !(event.target as HTMLElement).closest('a, button, input, label')) open(row);
      }}
    >
      {columns.map((column) => (
        <div key={column.id} role="cell" className={classes.cell} data-align={column.align}>
          {column.show(row)}
        </div>
      ))}
    </div>
  );
}) as <Row>(props: LineProps<Row>) => ReactNode;

export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: string,
): readonly Row[] {
  const falls = order.startsWith('-');
  const by = columns.find((column) => column.id === order.replace(/^-/, ''))?.by;
  if (!by) return rows;
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === null || y === null) return (x === null ? 1 : 0) - (y === null ? 1 : 0);
    const result = typeof x === 'number' && typeof y === 'number' ? x - y : compare(String(x), String(y));
    return falls ? -result : result;
  });
}
