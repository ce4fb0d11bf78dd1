/** Plain elements: while one scrolls, twenty of these come and go with each picture. */

import { IconDatabase, IconUser } from '@tabler/icons-react';
import { type MouseEvent, memo } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './FamilyCard.module.css';
import type { Card } from './useCards';

/** as the style sheet has it */
export const CARD_HEIGHT = 236;

const CHECK = 'M5 12l5 5l10 -10';
const CROSS = 'M18 6l-12 12M6 6l12 12';
const ROCKET =
  'M4 13a8 8 0 0 1 7 7a6 6 0 0 0 3 -5a9 9 0 0 0 6 -8a3 3 0 0 0 -3 -3a9 9 0 0 0 -8 6a6 6 0 0 0 -5 3' +
  'M7 14a6 6 0 0 0 -3 6a6 6 0 0 0 6 -3M14 9a1 1 0 1 0 2 0a1 1 0 1 0 -2 0';

type Props = { card: Card; mayLaunch: boolean; follow: (event: MouseEvent<HTMLAnchorElement>) => void };

/** Kept as it is while others come and go: typing makes it move, not anew. */
export const FamilyCard = memo(function FamilyCard({ card, mayLaunch, follow }: Props) {
  const { t } = useTranslation();
  return (
    <article aria-label={card.name} className={classes.card}>
      <div className={classes.head}>
        <h2 className={classes.name}>
          <a href={card.page} onClick={follow} title={card.name}>
            {card.name}
          </a>
        </h2>
        {card.registered && (
          <span className={classes.badge} data-look="registered" title={card.registered}>
            <IconUser size={11} aria-hidden />
            {t('models.mine')}
          </span>
        )}
        {card.cached && (
          <span className={classes.badge} data-look="cached" title={t('models.cachedHelp')}>
            <IconDatabase size={11} aria-hidden />
            {t('models.cached')}
          </span>
        )}
        <span className={classes.badge}>{card.kind}</span>
      </div>
      <p className={classes.about}>{card.description}</p>
      <div className={classes.abilities}>
        {card.abilities.map((ability) => (
          <span key={ability} className={classes.ability}>
            {ability}
          </span>
        ))}
        {card.more > 0 && (
          <span className={classes.ability} data-look="more" title={card.allAbilities}>
            +{card.more}
          </span>
        )}
      </div>
      <p className={classes.facts} title={card.facts}>
        {card.facts}
      </p>
      <p className={card.fits ? classes.runs : classes.not} title={card.here}>
        <Mark size={13} path={card.fits ? CHECK : CROSS} /> {card.here}
      </p>
      <div className={classes.actions}>
        {mayLaunch && (
          <a
            href={card.launch}
            onClick={follow}
            aria-label={card.launchLabel}
            className={classes.launch}
            data-fits={card.fits || undefined}
          >
            <Mark size={14} path={ROCKET} />
            {t('models.launch')}
          </a>
        )}
        <a href={card.page} onClick={follow} aria-label={card.detailsLabel} className={classes.details}>
          {t('common.details')}
        </a>
      </div>
    </article>
  );
});

/** An icon of one line, looked after by the style sheet. */
function Mark({ size, path }: { size: number; path: string }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" className={classes.mark} aria-hidden>
      <path d={path} />
    </svg>
  );
}
