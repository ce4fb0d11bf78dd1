/**
 * Every address of the console. A page's code is loaded when it is visited; what a route needs in its
 * search is checked by the page's own `search.ts`.
 */

import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { sent } from '@/api/client';
import { ApiError } from '@/api/errors';
import { eventsSearch, logsSearch } from '@/pages/events/search';
import { nodeSearch } from '@/pages/nodes/search';
import { playSearch } from '@/pages/play/search';
import { meQuery, rememberedProject, sessionQuery } from '@/session/session';
import { Waiting } from '@/ui/states';
import { Crashed, Lost } from './failures';
import { Shell } from './Shell';

type Context = { queryClient: QueryClient };
type Search = Record<string, unknown>;

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: Lost });

/** A page of ours, and none that leads here. */
const NEXT = /^\/(?!\/|login(?:[?#/]|$))/;

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Search): { next?: string } => ({
    // Only ever an address of ours.
    next: typeof search.next === 'string' && NEXT.test(search.next) ? search.next : undefined,
  }),
  component: lazyRouteComponent(() => import('@/pages/login/LoginPage')),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('@/pages/login/SetupPage')),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery);
    const isOwing = session.must_change_password || session.must_add_second_factor;
    if (!session.user || isOwing) throw redirect({ to: '/login', search: { next: location.href } });
    // Once: another tab may choose another project, this one stays in its own.
    if (!context.queryClient.getQueryData(meQuery.queryKey)) sent.project = rememberedProject();
    try {
      await context.queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (!sent.project || !(error instanceof ApiError && error.status === 404)) throw error;
      // The project that was chosen here is gone, or no longer ours.
      localStorage.removeItem('xplatform.project');
      sent.project = '';
      await context.queryClient.fetchQuery(meQuery);
    }
  },
  component: Shell,
});

/** `search`: what the page's own `search.ts` makes of the address behind the question mark. */
const page = <const Path extends string, Found extends Search = Search>(
  path: Path,
  load: () => Promise<{ default: () => React.ReactNode }>,
  search: (given: Search) => Found = (given) => given as Found,
) =>
  createRoute({
    getParentRoute: () => inside,
    path,
    validateSearch: (given: Search): Found => search(given),
    component: lazyRouteComponent(load),
  });

const routes = root.addChildren([
  login,
  setup,
  inside.addChildren([
    page('/', () => import('@/pages/home/HomePage')),
    page('/models', () => import('@/pages/models/CataloguePage')),
    page('/models/add', () => import('@/pages/models/AddModelPage')),
    page('/models/register', () => import('@/pages/models/RegisterPage')),
    page('/models/$kind/$name', () => import('@/pages/models/ModelPage')),
    page('/models/$kind/$name/edit', () => import('@/pages/models/RegisterPage')),
    page('/launch', () => import('@/pages/launch/LaunchPage')),
    page('/running', () => import('@/pages/running/RunningPage')),
    page('/running/$uid', () => import('@/pages/running/RunningModelPage')),
    page('/play', () => import('@/pages/play/PlayPage'), playSearch),
    page('/play/$what', () => import('@/pages/play/PlayPage'), playSearch),
    page('/nodes', () => import('@/pages/nodes/NodesPage')),
    page('/nodes/$name', () => import('@/pages/nodes/NodePage'), nodeSearch),
    page('/files', () => import('@/pages/files/FilesPage')),
    page('/events', () => import('@/pages/events/EventsPage'), eventsSearch),
    page('/logs', () => import('@/pages/events/LogsPage'), logsSearch),
    page('/me', () => import('@/pages/people/ProfilePage')),
    page('/keys', () => import('@/pages/people/KeysPage')),
    page('/usage', () => import('@/pages/people/UsagePage')),
    page('/users', () => import('@/pages/people/UsersPage')),
    page('/projects', () => import('@/pages/people/ProjectsPage')),
    page('/projects/$slug', () => import('@/pages/people/ProjectPage')),
    page('/limits', () => import('@/pages/people/LimitsPage')),
    page('/sign-in', () => import('@/pages/people/SignInPage')),
    page('/audit', () => import('@/pages/people/AuditPage')),
    page('/settings', () => import('@/pages/settings/SettingsPage')),
    page('/settings/$part', () => import('@/pages/settings/SettingsPage')),
  ]),
]);

export function makeRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: routes,
    basepath: '/ui',
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultPendingComponent: Waiting,
    defaultErrorComponent: Crashed,
    defaultNotFoundComponent: Lost,
    scrollRestoration: true,
  });
}

export type Router = ReturnType<typeof makeRouter>;

declare module '@tanstack/react-router' {
  interface Register {
    router: Router;
  }
}
