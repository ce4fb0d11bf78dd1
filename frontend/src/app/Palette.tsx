/** ⌘K: every place and every running model, by its name. */

import { createSpotlight, Spotlight, type SpotlightActionData, useSpotlight } from '@mantine/spotlight';
import '@mantine/spotlight/styles.css';
import { IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import { useMay } from '@/session/session';
import { mayVisit, places } from './places';

const [store, palette] = createSpotlight();

/** `asked`: how many times it was, the first time before this was here. */
export default function Palette({ asked }: { asked: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const { opened } = useSpotlight(store);
  // biome-ignore lint/correctness/useExhaustiveDependencies: opened anew each time
  useEffect(() => palette.open(), [asked]);
  const launches = useQuery({ ...launchesQuery, enabled: opened && may('launches.read') });
  const actions: SpotlightActionData[] = [
    ...places
      .filter((place) => mayVisit(place, may))
      .map((place) => ({
        id: place.to,
        label: t(`nav.places.${place.name}`),
        leftSection: <place.icon size={18} aria-hidden />,
        rightSection: place.key ? <kbd>g {place.key}</kbd> : undefined,
        onClick: () => void navigate({ to: place.to }),
      })),
    ...(launches.data ?? []).map((launch) => ({
      id: `running/${launch.uid}`,
      label: launch.uid,
      description: [launch.family, launch.engine].filter(Boolean).join(' · '),
      leftSection: <IconPlayerPlay size={18} aria-hidden />,
      onClick: () => void navigate({ to: '/running/$uid', params: { uid: launch.uid } }),
    })),
  ];
  return (
    <Spotlight
      store={store}
      shortcut={null}
      actions={actions}
      nothingFound={t('palette.nothing')}
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: t('palette.hint'),
        'aria-label': t('palette.hint'),
      }}
    />
  );
}
