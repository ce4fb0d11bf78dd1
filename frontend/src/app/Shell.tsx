/** The frame around all pages: navigation, project, language, looks, who is logged in, and whether it is live. */

import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  Select,
  Text,
  Tooltip,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconDeviceDesktop,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
  IconUser,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { whenLoggedOut } from '@/api/client';
import { chooseLanguage, languageName, languages } from '@/i18n';
import { LiveProvider, useLiveState } from '@/live/LiveProvider';
import { useChooseProject, useLogout, useMay, useMe } from '@/session/session';
import icon from './icon.svg';
import { openPalette } from './paletteStore';
import { places } from './places';
import classes from './Shell.module.css';
import { useShortcuts } from './useShortcuts';

const Palette = lazy(() => import('./Palette'));
const GROUPS = ['models', 'cluster', 'people'] as const;

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { t } = useTranslation();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  useShortcuts();

  // A new page begins at its title, also for whoever hears it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what it is about
  useEffect(() => {
    close();
    document.getElementById('page-title')?.focus({ preventScroll: true });
  }, [path]);
  useEffect(
    () => whenLoggedOut(() => void navigate({ to: '/login', search: { next: path } })),
    [navigate, path],
  );

  return (
    <LiveProvider>
      <a className={classes.skip} href="#content">
        {t('nav.skip')}
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }}
        padding="md"
      >
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('nav.menu')} />
              <UnstyledButton component={Link} to="/" className={classes.brand} aria-label="xplatform">
                <img src={icon} alt="" width={24} height={24} />
                <Text fw={700} visibleFrom="xs">
                  xplatform
                </Text>
              </UnstyledButton>
              <ProjectChoice />
            </Group>
            <Group gap={6} wrap="nowrap">
              <LiveMark />
              <Tooltip label={`${t('palette.open')} (⌘K)`}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  onClick={openPalette}
                  aria-label={t('palette.open')}
                >
                  <IconSearch size={18} />
                </ActionIcon>
              </Tooltip>
              <LanguageChoice />
              <SchemeChoice />
              <Account />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label={t('nav.main')}>
          <Navigation path={path} />
        </AppShell.Navbar>
        <AppShell.Main id="content" className={classes.main}>
          <Outlet />
        </AppShell.Main>
      </AppShell>
      <Suspense fallback={null}>
        <Palette />
      </Suspense>
    </LiveProvider>
  );
}

function Navigation({ path }: { path: string }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <ScrollArea type="auto" offsetScrollbars="y">
      {GROUPS.map((group) => {
        const shown = places.filter((place) => place.group === group && (!place.needs || may(place.needs)));
        if (!shown.length) return null;
        return (
          <div key={group} className={classes.group}>
            <Text size="xs" c="dimmed" fw={600} px="sm" pb={2}>
              {t(`nav.groups.${group}`)}
            </Text>
            {shown.map((place) => {
              const isHere =
                place.to === '/' ? path === '/' : path === place.to || path.startsWith(`${place.to}/`);
              return (
                <NavLink
                  key={place.to}
                  renderRoot={(props) => <Link to={place.to} {...props} />}
                  label={t(`nav.places.${place.name}`)}
                  leftSection={<place.icon size={17} aria-hidden />}
                  active={isHere}
                  aria-current={isHere ? 'page' : undefined}
                  className={classes.link}
                />
              );
            })}
          </div>
        );
      })}
    </ScrollArea>
  );
}

function ProjectChoice() {
  const { t } = useTranslation();
  const me = useMe();
  const choose = useChooseProject();
  if (!me || (me.projects.length < 2 && !me.superuser)) return null;
  const all = { value: '', label: t('nav.allProjects') };
  const some = me.projects
    .filter((one) => !one.archived)
    .map((one) => ({ value: one.slug, label: one.title || one.slug }));
  return (
    <Select
      size="xs"
      w={{ base: 108, xs: 150 }}
      aria-label={t('nav.project')}
      data={me.superuser ? [all, ...some] : some}
      value={me.project}
      onChange={(slug) => void choose(slug ?? '')}
      allowDeselect={false}
      searchable={some.length > 8}
      comboboxProps={{ width: 220, position: 'bottom-start' }}
    />
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
          {me?.username} {me?.role && `· ${me.role}`}
        </Menu.Label>
        <Menu.Item component={Link} to="/me" leftSection={<IconUser size={16} />}>
          {t('nav.places.me')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave()}>
          {t('nav.logout')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
