/** Cards in as many columns as fit; only the rows in sight exist. */

import { useElementSize } from '@mantine/hooks';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FamilyLine } from '@/api/schema';
import { useMay } from '@/session/session';
import { usePlainLinks } from '@/ui/links';
import classes from './CardGrid.module.css';
import { CARD_HEIGHT, FamilyCard } from './FamilyCard';
import { useCards } from './useCards';

const LEAST_WIDTH = 300;
const GAP = 16;

export function CardGrid({ lines }: { lines: FamilyLine[] }) {
  const { t } = useTranslation();
  const mayLaunch = useMay()('launches.write');
  const cardOf = useCards();
  const { follow } = usePlainLinks();
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
    // One beyond each end, so that the keyboard finds the next.
    overscan: 1,
    scrollMargin: top,
  });
  const cardWidth = (width - GAP * (columns - 1)) / columns;
  return (
    <div
      ref={(node) => {
        ref(node);
        setPlace(node);
      }}
      role="list"
      aria-label={t('models.title')}
      className={classes.grid}
      style={{ height: virtual.getTotalSize() }}
    >
      {width > 0 &&
        virtual.getVirtualItems().flatMap((row) =>
          lines.slice(row.index * columns, (row.index + 1) * columns).map((line, column) => (
            <div
              key={`${line.kind}/${line.name}`}
              role="listitem"
              aria-setsize={lines.length}
              aria-posinset={row.index * columns + column + 1}
              className={classes.place}
              style={{
                width: cardWidth,
                transform: `translate(${column * (cardWidth + GAP)}px, ${row.start - top}px)`,
              }}
            >
              <FamilyCard card={cardOf(line)} mayLaunch={mayLaunch} follow={follow} />
            </div>
          )),
        )}
    </div>
  );
}
