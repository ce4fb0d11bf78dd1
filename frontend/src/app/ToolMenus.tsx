/** The menus at the header's end. Each opens at once: it was asked for before its code was there. */

import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, languageName, languages } from '@/i18n';
import { useLogout, useMe } from '@/session/session';
import { wentWrong } from '@/ui/notify';
import { useRoleName } from '@/ui/useRoleName';
import type { ToolButton, ToolName } from './Tools';

const ITEMS: Record<ToolName, () => ReactNode> = {
  language: LanguageItems,
  looks: LooksItems,
  account: AccountItems,
};

export default function ToolMenu({ name, button }: { name: ToolName; button: ToolButton }) {
  const [opened, setOpened] = useState(false);
  const target = useRef<HTMLButtonElement>(null);
  const Items = ITEMS[name];
  // The button that was pressed is gone with this one's coming; the focus comes back to this one.
  useEffect(() => {
    target.current?.focus();
    setOpened(true);
  }, []);
  return (
    <Menu
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={name === 'account' ? 220 : undefined}
    >
      <Menu.Target>
        <ActionIcon ref={target} {...button} />
      </Menu.Target>
      <Menu.Dropdown>
        <Items />
      </Menu.Dropdown>
    </Menu>
  );
}

function LanguageItems() {
  const { i18n } = useTranslation();
  return languages.map((code) => (
    <Menu.Item
      key={code}
      lang={code}
      onClick={() => void chooseLanguage(code)}
      fw={code === i18n.language ? 700 : 400}
    >
      {languageName(code)}
    </Menu.Item>
  ));
}

function LooksItems() {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  return (
    <>
      <Menu.Item leftSection={<IconSun size={16} />} onClick={() => setColorScheme('light')}>
        {t('nav.light')}
      </Menu.Item>
      <Menu.Item leftSection={<IconMoon size={16} />} onClick={() => setColorScheme('dark')}>
        {t('nav.dark')}
      </Menu.Item>
      <Menu.Item leftSection={<IconDeviceDesktop size={16} />} onClick={() => setColorScheme('auto')}>
        {t('nav.auto')}
      </Menu.Item>
    </>
  );
}

function AccountItems() {
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
    <>
      <Menu.Label>
        {me?.username} {me?.role && `· ${roleName(me.role)}`}
      </Menu.Label>
      <Menu.Item component={Link} to="/me" leftSection={<IconUser size={16} />}>
        {t('nav.places.me')}
      </Menu.Item>
      <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave().catch(wentWrong)}>
        {t('nav.logout')}
      </Menu.Item>
    </>
  );
}
