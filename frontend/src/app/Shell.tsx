/** The frame around all pages: navigation, project, language, looks, who is logged in, and whether it is live. */

import { AppShell, Burger, Group, NavLink, Text, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouter, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useReducer } from 'react';
import { useTranslation } from 'react-i18next';
import { whenLoggedOut } from '@/api/client';
import { LiveProvider } from '@/live/LiveProvider';
import { sessionQuery, useMay } from '@/session/session';
import { changesEnded } from './changesEnded';
import { focusTitle } from './focusTitle';
import icon from './icon.svg';
import { ProjectChoice } from './ProjectChoice';
import { mayVisit, places } from './places';
import classes from './Shell.module.css';
import { Tools } from './Tools';
import { useShortcuts } from './useShortcuts';

const Palette = lazy(() => import('./Palette'));
const GROUPS = ['models', 'cluster', 'people'] as const;

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { t } = useTranslation();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [asked, search] = useReducer((times: number) => times + 1, 0);
  useShortcuts(search);

  // A new page begins at its title, also for whoever hears it; not before it is there.
  const shown = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what it is about
  useEffect(() => {
    close();
    return focusTitle();
  }, [shown]);
  const client = useQueryClient();
  const router = useRouter();
  useEffect(
    () =>
      whenLoggedOut(async () => {
        // Another password of one's own ends this browser's session, and its answer brings the next.
        await changesEnded(client);
        // A wrong password is refused in the same way: only the session tells whether one is still in.
        const now = await client.fetchQuery({ ...sessionQuery, staleTime: 0 }).catch(() => null);
        // Who has just logged out is on the way there already, and comes back to nowhere.
        const { pathname, href } = router.state.location;
        if (pathname === '/login') return;
        if (now && (!now.user || now.must_change_password || now.must_add_second_factor))
          await navigate({ to: '/login', search: { next: href } });
      }),
    [client, navigate, router],
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
          <Group h="100%" px={{ base: 'sm', sm: 'md' }} gap="sm" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap" miw={0} flex="0 1 auto">
              <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('nav.menu')} />
              <UnstyledButton component={Link} to="/" className={classes.brand} aria-label="xplatform">
                <img src={icon} alt="" width={24} height={24} />
                <Text fw={700} visibleFrom="xs">
                  xplatform
                </Text>
              </UnstyledButton>
              <ProjectChoice />
            </Group>
            <Group gap={6} wrap="nowrap" flex="none">
              <Tools search={search} />
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
      {asked > 0 && (
        <Suspense fallback={null}>
          <Palette asked={asked} />
        </Suspense>
      )}
    </LiveProvider>
  );
}

function Navigation({ path }: { path: string }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <div className={classes.navigation}>
      {GROUPS.map((group) => {
        const shown = places.filter((place) => place.group === group && mayVisit(place, may));
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
    </div>
  );
}
