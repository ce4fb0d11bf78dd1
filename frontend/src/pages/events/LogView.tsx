/** The lines of a log: only those in sight exist, what is looked for is marked, and the end is followed. */

import { Box } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { LogLines } from '@/live/logLines';
import classes from './LogView.module.css';

const LINE_HEIGHT = 20;
/** So near to its end one is at its end. */
const NEAR = 30;

type Props = {
  log: LogLines;
  /** places of the lines that are shown; null: all */
  shown: readonly number[] | null;
  text: string;
  wrap: boolean;
  follow: boolean;
  /** somebody scrolled away from the end, or back to it */
  setFollow: (follow: boolean) => void;
};

export function LogView({ log, shown, text, wrap, follow, setFollow }: Props) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const count = shown ? shown.length : log.lines.length;
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
    getItemKey: (index) => log.dropped + (shown ? (shown[index] ?? index) : index),
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines, or other heights of them
  useEffect(() => {
    if (follow && count) virtual.scrollToIndex(count - 1, { align: 'end' });
  }, [follow, count, log, wrap]);

  return (
    <Box
      ref={scroller}
      className={classes.scroller}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={t('logs.lines')}
      onWheel={(event) => event.deltaY < 0 && setFollow(false)}
      onKeyDown={(event) => ['PageUp', 'ArrowUp', 'Home'].includes(event.key) && setFollow(false)}
      onTouchMove={() => setFollow(false)}
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        if (!follow && scrollHeight - scrollTop - clientHeight < NEAR && scrollTop > 0) setFollow(true);
      }}
    >
      <div className={classes.lines} style={{ height: virtual.getTotalSize() }} data-wrap={wrap || undefined}>
        {virtual.getVirtualItems().map((item) => {
          const place = shown ? (shown[item.index] ?? 0) : item.index;
          return (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              className={classes.line}
              data-bad={/\b(ERROR|CRITICAL|FATAL|Traceback)\b/.test(log.lines[place] ?? '') || undefined}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Marked line={log.lines[place] ?? ''} text={text} />
            </div>
          );
        })}
      </div>
    </Box>
  );
}

function Marked({ line, text }: { line: string; text: string }) {
  if (!text) return <>{line || ' '}</>;
  const wanted = text.toLowerCase();
  const low = line.toLowerCase();
  const parts: React.ReactNode[] = [];
  let at = 0;
  for (let next = low.indexOf(wanted); next >= 0; next = low.indexOf(wanted, at)) {
    parts.push(line.slice(at, next), <mark key={next}>{line.slice(next, next + wanted.length)}</mark>);
    at = next + wanted.length;
  }
  return (
    <>
      {parts}
      {line.slice(at) || (at ? '' : ' ')}
    </>
  );
}
