/** Launches a model. What is launched stands in the address; the launch's own page shows how it goes. */

import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { launchQuery } from '@/api/launches';
import { Page } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { useUrl } from '@/ui/useUrl';
import { choiceOf, draftOf, NEW } from './draft';
import { LaunchForm } from './LaunchForm';
import { type LaunchSearch, launchSearch } from './search';

export default function LaunchPage() {
  const { t } = useTranslation();
  const [choice, change] = useUrl(launchSearch);
  return (
    <Page
      title={t('launch.title')}
      needs="launches.write"
      about={
        <>
          {t('launch.about')}{' '}
          <Anchor size="sm" underline="always" renderRoot={(props) => <Link to="/models" {...props} />}>
            {t('launch.look')}
          </Anchor>
        </>
      }
    >
      {choice.from ? (
        <Again choice={choice} change={change} />
      ) : (
        <LaunchForm choice={choice} change={change} first={NEW} lost={[]} />
      )}
    </Page>
  );
}

type Props = { choice: LaunchSearch; change: (some: Partial<LaunchSearch>) => void };

/** Begins with what another launch was started with; what the address says besides goes before it. */
function Again({ choice, change }: Props) {
  const query = useQuery(launchQuery(choice.from));
  return (
    <Loaded query={query}>
      {(launch) => {
        const { from, ...said } = choice;
        const isUntouched = Object.values(said).every((value) => !value);
        return (
          <LaunchForm
            key={from}
            choice={isUntouched ? { ...choiceOf(launch), from } : choice}
            // The whole choice, so that what was not touched stays.
            change={(some) => change(isUntouched ? { ...choiceOf(launch), ...some } : some)}
            first={draftOf(launch)}
            lost={launch.variables}
          />
        );
      }}
    </Loaded>
  );
}
