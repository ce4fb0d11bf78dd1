/** At the header's end: whether it is live, search, language, looks, and who is logged in. */

import { ActionIcon, type ActionIconProps, Text } from '@mantine/core';
import { IconLanguage, IconMoon, IconSearch, IconSun, IconUser } from '@tabler/icons-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLiveState } from '@/live/LiveProvider';
import { useMay } from '@/session/session';
import classes from './Shell.module.css';

export type ToolName = 'language' | 'looks' | 'account';
export type ToolButton = ActionIconProps & { 'aria-label': string; children: ReactNode };

/** Menus and what floats are a seventh of all script: it comes when one is about to be opened. */
const menus = () => import('./ToolMenus');
const ToolMenu = lazy(menus);
const QUIET = { variant: 'subtle', color: 'gray' };

export function Tools({ search }: { search: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <LiveMark />
      <ActionIcon
        {...QUIET}
        onClick={search}
        aria-label={t('palette.open')}
        title={`${t('palette.open')} (⌘K)`}
      >
        <IconSearch size={18} />
      </ActionIcon>
      <Tool
        name="language"
        button={{ ...QUIET, 'aria-label': t('nav.language'), children: <IconLanguage size={18} /> }}
      />
      <Tool
        name="looks"
        button={{
          ...QUIET,
          'aria-label': t('nav.looks'),
          children: (
            <>
              <IconSun size={18} className={classes.sun} />
              <IconMoon size={18} className={classes.moon} />
            </>
          ),
        }}
      />
      <Tool
        name="account"
        button={{
          variant: 'light',
          radius: 'xl',
          'aria-label': t('nav.account'),
          children: <IconUser size={18} />,
        }}
      />
    </>
  );
}

/** A button whose menu comes with its first press. */
function Tool({ name, button }: { name: ToolName; button: ToolButton }) {
  const [asked, setAsked] = useState(false);
  const plain = (
    <ActionIcon
      {...button}
      aria-haspopup="menu"
      onPointerEnter={() => void menus()}
      onClick={() => setAsked(true)}
    />
  );
  if (!asked) return plain;
  return (
    <Suspense fallback={plain}>
      <ToolMenu name={name} button={button} />
    </Suspense>
  );
}

function LiveMark() {
  const { t } = useTranslation();
  const may = useMay();
  const state = useLiveState();
  if (!may('events.read')) return null;
  return (
    <span className={classes.live} data-state={state} role="status" title={t(`live.${state}Help`)}>
      <span className={classes.dot} aria-hidden />
      <Text span size="xs" visibleFrom="md">
        {t(`live.${state}`)}
      </Text>
    </span>
  );
}
