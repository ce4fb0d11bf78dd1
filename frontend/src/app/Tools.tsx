/** At the header's end: whether it is live, search, language, looks, and who is logged in. */

import { ActionIcon, Menu, Text, Tooltip, useMantineColorScheme } from '@mantine/core';
import {
  IconDeviceDesktop,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
  IconUser,
} from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, languageName, languages } from '@/i18n';
import { useLiveState } from '@/live/LiveProvider';
import { useLogout, useMay, useMe } from '@/session/session';
import { wentWrong } from '@/ui/notify';
import { useRoleName } from '@/ui/useRoleName';
import { openPalette } from './paletteStore';
import classes from './Shell.module.css';

export default function Tools() {
  const { t } = useTranslation();
  return (
    <>
      <LiveMark />
      <Tooltip label={`${t('palette.open')} (⌘K)`}>
        <ActionIcon variant="subtle" color="gray" onClick={openPalette} aria-label={t('palette.open')}>
          <IconSearch size={18} />
        </ActionIcon>
      </Tooltip>
      <LanguageChoice />
      <SchemeChoice />
      <Account />
    </>
  );
}

function LiveMark() {
  const { t } = useTranslation();
  const may = useMay();
  const state = useLiveState();
  if (!may('events.read')) return null;
  return (
    <Tooltip label={t(`live.${state}Help`)}>
      <span className={classes.live} data-state={state} role="status">
        <span className={classes.dot} aria-hidden />
        <Text span size="xs" visibleFrom="md">
          {t(`live.${state}`)}
        </Text>
      </span>
    </Tooltip>
  );
}

function LanguageChoice() {
  const { t, i18n } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('nav.language')}>
          <IconLanguage size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {languages.map((code) => (
          <Menu.Item
            key={code}
            lang={code}
            onClick={() => void chooseLanguage(code)}
            fw={code === i18n.language ? 700 : 400}
          >
            {languageName(code)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function SchemeChoice() {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('nav.looks')}>
          <IconSun size={18} className={classes.sun} />
          <IconMoon size={18} className={classes.moon} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconSun size={16} />} onClick={() => setColorScheme('light')}>
          {t('nav.light')}
        </Menu.Item>
        <Menu.Item leftSection={<IconMoon size={16} />} onClick={() => setColorScheme('dark')}>
          {t('nav.dark')}
        </Menu.Item>
        <Menu.Item leftSection={<IconDeviceDesktop size={16} />} onClick={() => setColorScheme('auto')}>
          {t('nav.auto')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Account() {
  const { t } = useTranslation();
  const me = useMe();
  const roleName = useRoleName();
  const logout = useLogout();
  const navigate = useNavigate();
  const leave = async () => {
    await logout.mutateAsync();
    await navigate({ to: '/login', search: {} });
  };
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon variant="light" radius="xl" aria-label={t('nav.account')}>
          <IconUser size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me?.username} {me?.role && `· ${roleName(me.role)}`}
        </Menu.Label>
        <Menu.Item component={Link} to="/me" leftSection={<IconUser size={16} />}>
          {t('nav.places.me')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave().catch(wentWrong)}>
          {t('nav.logout')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
