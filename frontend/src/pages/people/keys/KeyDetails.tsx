import { Anchor, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconChartBar } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Key } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { Facts } from '@/ui/Facts';
import { Side } from '@/ui/FormDrawer';
import { Permissions } from '../Permissions';
import { KeyState } from './KeyState';
import { isGood } from './scopes';

type Props = {
  row: Key;
  close: () => void;
  show: (id: string) => void;
  rotate: () => void;
  revoke: () => void;
};

export function KeyDetails({ row, close, show, rotate, revoke }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const at = (moment: string | null | undefined) =>
    moment ? `${format.moment(moment)} (${format.ago(moment)})` : '–';
  return (
    <Side title={row.name} close={close}>
      <Stack>
        <Facts
          label={row.name}
          facts={[
            [t('common.state'), <KeyState key="state" row={row} />],
            [t('keys.begins'), <Code key="prefix">{row.prefix}</Code>],
            [t('keys.owner'), row.owner],
            [t('keys.project'), row.project || t('common.all')],
            [t('keys.mayCall'), row.models.length ? row.models.join(', ') : t('keys.allModels')],
            [t('keys.from'), row.networks.length ? row.networks.join(', ') : t('keys.anywhere')],
            [t('keys.made'), at(row.created)],
            [t('keys.lastUsed'), row.last_used ? at(row.last_used) : t('keys.neverUsed')],
            [t('keys.ends'), row.expires ? at(row.expires) : t('keys.never')],
            ...(row.revoked ? [[t('keys.revokedAt'), at(row.revoked)] as [string, string]] : []),
            ...(row.valid_until ? [[t('keys.worksUntil'), at(row.valid_until)] as [string, string]] : []),
          ]}
        />
        {row.rotated_to && (
          <Text size="sm">
            {t('keys.replaced')}{' '}
            <Anchor component="button" size="sm" onClick={() => show(row.rotated_to ?? '')}>
              {t('keys.showNew')}
            </Anchor>
          </Text>
        )}
        <Permissions names={row.actions} all={t('keys.allActions')} />
        <Group>
          <Button
            variant="light"
            leftSection={<IconChartBar size={16} />}
            renderRoot={(props) => <Link to="/usage" search={{ key: row.id } as never} {...props} />}
          >
            {t('keys.usage')}
          </Button>
          {row.state === 'active' && (
            <Button variant="default" onClick={rotate}>
              {t('keys.rotate')}
            </Button>
          )}
          {isGood(row) && (
            <Button variant="light" color="red" onClick={revoke}>
              {t('keys.revoke')}
            </Button>
          )}
        </Group>
      </Stack>
    </Side>
  );
}
