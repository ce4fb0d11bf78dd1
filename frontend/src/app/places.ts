/** The console's places: for the navigation, the command palette and its shortcuts. */

import {
  IconActivity,
  IconBox,
  IconChartBar,
  IconClipboardList,
  IconCloudDownload,
  IconFileText,
  IconFolders,
  IconGauge,
  IconHome,
  IconKey,
  IconLogin,
  IconMessages,
  IconPlayerPlay,
  IconRocket,
  IconServer2,
  IconSettings,
  IconUserCircle,
  IconUsers,
} from '@tabler/icons-react';
import type en from '@/i18n/locales/en.json';
import type { Action } from '@/session/session';

export type PlaceName = keyof typeof en.nav.places;
type Group = keyof typeof en.nav.groups;

export type Place = {
  name: PlaceName;
  to: string;
  icon: typeof IconHome;
  group: Group;
  /** hidden from whoever lacks it, or all of several; the page itself asks again */
  needs?: Action | readonly Action[];
  /** with `g` before it, as in many consoles */
  key?: string;
};

export const places: readonly Place[] = [
  { name: 'home', to: '/', icon: IconHome, group: 'models', key: 'h' },
  { name: 'models', to: '/models', icon: IconBox, group: 'models', needs: 'registrations.read', key: 'm' },
  { name: 'launch', to: '/launch', icon: IconRocket, group: 'models', needs: 'launches.write', key: 'l' },
  {
    name: 'running',
    to: '/running',
    icon: IconPlayerPlay,
    group: 'models',
    needs: 'launches.read',
    key: 'r',
  },
  { name: 'play', to: '/play', icon: IconMessages, group: 'models', needs: 'models.use', key: 'p' },
  { name: 'nodes', to: '/nodes', icon: IconServer2, group: 'cluster', needs: 'nodes.read', key: 'n' },
  { name: 'files', to: '/files', icon: IconCloudDownload, group: 'cluster', needs: 'files.read', key: 'f' },
  { name: 'events', to: '/events', icon: IconActivity, group: 'cluster', needs: 'events.read', key: 'e' },
  { name: 'logs', to: '/logs', icon: IconFileText, group: 'cluster', needs: 'logs.read' },
  { name: 'me', to: '/me', icon: IconUserCircle, group: 'people' },
  { name: 'keys', to: '/keys', icon: IconKey, group: 'people', needs: 'keys.own', key: 'k' },
  { name: 'usage', to: '/usage', icon: IconChartBar, group: 'people', needs: 'usage.own', key: 'u' },
  { name: 'users', to: '/users', icon: IconUsers, group: 'people', needs: 'users.manage' },
  { name: 'projects', to: '/projects', icon: IconFolders, group: 'people', needs: 'project.read' },
  { name: 'limits', to: '/limits', icon: IconGauge, group: 'people', needs: 'limits.read' },
  {
    name: 'signIn',
    to: '/sign-in',
    icon: IconLogin,
    group: 'people',
    needs: ['users.manage', 'keys.manage'],
  },
  { name: 'audit', to: '/audit', icon: IconClipboardList, group: 'people', needs: 'audit.read' },
  {
    name: 'settings',
    to: '/settings',
    icon: IconSettings,
    group: 'cluster',
    needs: ['settings.read', 'project.manage'],
    key: 's',
  },
];

/** Whether something of it is theirs to see. */
export function mayVisit({ needs = [] }: Pick<Place, 'needs'>, may: (action: Action) => boolean): boolean {
  const any = typeof needs === 'string' ? [needs] : needs;
  return !any.length || any.some(may);
}
