/** Where one goes to mend what needs attention. */

import type { LinkProps } from '@tanstack/react-router';
import type { Attention } from '@/api/schema';

export function wayTo({ thing }: Attention): Pick<LinkProps, 'to' | 'params'> {
  switch (thing.kind) {
    case 'launch':
      return { to: '/running/$uid', params: { uid: thing.name } };
    case 'node':
    case 'device':
      return { to: '/nodes/$name', params: { name: thing.node } };
    case 'disk':
    case 'download':
      return { to: '/files' };
    case 'cluster':
      return { to: '/nodes' };
  }
}

export type Health = 'well' | 'warning' | 'error';

export function healthOf(attention: readonly Attention[]): Health {
  if (attention.some((one) => one.severity === 'error')) return 'error';
  return attention.length ? 'warning' : 'well';
}
