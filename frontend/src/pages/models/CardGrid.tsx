/** Cards in as many columns as fit; only the rows in sight exist. */

import { Box } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FamilyLine } from '@/api/schema';
import { useMay } from '@/session/session';
import { CARD_HEIGHT, FamilyCard } from './FamilyCard';

const LEAST_WIDTH = 300;
const GAP = 16;

export function CardGrid({ lines }: { lines: FamilyLine[] }) {
  const { t } = useTranslation();
  const mayLaunch = useMay()('launches.write');
  const { ref, width } = useElementSize<HTMLDivElement>();
  const [place, setPlace] = useState<HTMLDivElement | null>(null);
  const [top, setTop] = useState(0);
  const columns = Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP)));
  // biome-ignore lint/correctness/useExhaustiveDependencies: filters above it may have wrapped
  useLayoutEffect(() => {
    if (place) setTop(place.getBoundingClientRect().top + window.scrollY);
  }, [place, width, lines]);
  const virtual = useWindowVirtualizer({
    count: Math.ceil(lines.length / columns),
    estimateSize: () => CARD_HEIGHT + GAP,
    overscan: 1,
    scrollMargin: top,
  });
  return (
    <div
      ref={(node) => {
        ref(node);
        setPlace(node);
      }}
    >
      <Box role="list" aria-label={t('models.title')} pos="relative" h={virtual.getTotalSize()}>
        {width > 0 &&
          virtual.getVirtualItems().flatMap((row) =>
            lines.slice(row.index * columns, (row.index + 1) * columns).map((line, column) => (
              <Box
                key={`${line.kind}/${line.name}`}
                role="listitem"
                aria-setsize={lines.length}
                aria-posinset={row.index * columns + column + 1}
                pos="absolute"
                top={row.start - top}
                h={CARD_HEIGHT}
                w={(width - GAP * (columns - 1)) / columns}
                left={column * ((width + GAP) / columns)}
              >
                <FamilyCard line={line} mayLaunch={mayLaunch} />
              </Box>
            )),
          )}
      </Box>
    </div>
  );
}
