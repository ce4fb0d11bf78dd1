import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Key } from '@/api/schema';
import { endsSoon } from './scopes';

const COLORS: Record<Key['state'], string> = {
  active: 'teal',
  rotated: 'blue',
  revoked: 'gray',
  expired: 'gray',
  'owner disabled': 'orange',
  'owner left': 'orange',
  'project archived': 'orange',
};

export function KeyState({ row }: { row: Key }) {
  const { t } = useTranslation();
  const soon = endsSoon(row) && row.state === 'active';
  return (
    <Badge variant="light" tt="none" color={soon ? 'orange' : COLORS[row.state]}>
      {soon ? t('keys.endsSoon') : t(`keys.states.${row.state}`)}
    </Badge>
  );
}
