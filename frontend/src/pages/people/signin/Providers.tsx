import { Alert, Badge, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconLogin, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Provider } from '@/api/schema';
import { providersQuery, useCheckProvider, useDeleteProvider } from '@/api/signIn';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { CopyIcon } from '@/ui/Copy';
import { Confirm } from '@/ui/confirm';
import { Facts } from '@/ui/Facts';
import { Part } from '@/ui/Part';
import { Empty, Loaded, ProblemAlert } from '@/ui/states';
import { ProviderForm } from './ProviderForm';

export function Providers() {
  const { t } = useTranslation();
  const may = useMay();
  const providers = useQuery(providersQuery);
  const [editing, setEditing] = useState<Provider | 'new' | null>(null);
  const add = may('settings.write') && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
      {t('signIn.newProvider')}
    </Button>
  );
  return (
    <>
      <Loaded
        query={providers}
        isEmpty={(all) => !all.length}
        empty={
          <Empty icon={<IconLogin size={26} />} title={t('signIn.noProviders')} action={add}>
            {t('signIn.noProvidersHelp')}
          </Empty>
        }
      >
        {(all) => (
          <Stack>
            <Group justify="flex-end">{add}</Group>
            {all.map((one) => (
              <OneProvider key={one.name} provider={one} edit={() => setEditing(one)} />
            ))}
          </Stack>
        )}
      </Loaded>
      {editing && (
        <ProviderForm provider={editing === 'new' ? null : editing} close={() => setEditing(null)} />
      )}
    </>
  );
}

function OneProvider({ provider, edit }: { provider: Provider; edit: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const check = useCheckProvider();
  const remove = useDeleteProvider();
  const [asking, setAsking] = useState(false);
  const callback = check.data?.callback;
  return (
    <Part
      title={provider.title || provider.name}
      actions={
        may('settings.write') && (
          <>
            <Button
              size="xs"
              variant="light"
              loading={check.isPending}
              onClick={() => check.mutate(provider.name)}
            >
              {t('signIn.check')}
            </Button>
            <Button size="xs" variant="default" onClick={edit}>
              {t('common.edit')}
            </Button>
            <Button size="xs" variant="light" color="red" onClick={() => setAsking(true)}>
              {t('common.remove')}
            </Button>
          </>
        )
      }
    >
      <Facts
        label={provider.name}
        facts={[
          [
            t('common.state'),
            <Badge key="state" variant="light" tt="none" color={provider.enabled ? 'teal' : 'gray'}>
              {provider.enabled ? t('signIn.enabled') : t('signIn.notEnabled')}
            </Badge>,
          ],
          [t('signIn.issuer'), provider.issuer],
          [t('signIn.users'), format.count(provider.users)],
          [t('signIn.rules'), format.count(provider.rules?.length ?? 0)],
        ]}
      />
      <ProblemAlert error={check.error} />
      {check.data && (
        <Alert variant="light" color={check.data.fine ? 'teal' : 'red'} role="status">
          {check.data.fine ? t('signIn.fine', { count: check.data.keys }) : check.data.problem}
          {callback && (
            <Group gap={4} mt="xs">
              <Text size="sm">{t('signIn.callback')}</Text>
              <Code>{callback}</Code>
              <CopyIcon value={callback} />
            </Group>
          )}
        </Alert>
      )}
      <Confirm
        opened={asking}
        close={() => setAsking(false)}
        title={t('signIn.removeTitle', { name: provider.title || provider.name })}
        action={t('common.remove')}
        run={() => remove.mutateAsync(provider.name)}
      >
        {t('signIn.removeHelp')}
      </Confirm>
    </Part>
  );
}
