/** What few launches need: adapters, sharing, packages, variables, the repository's own code. */

import { ActionIcon, Alert, Code, Group, Stack, Switch, TagsInput, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { NewAdapter } from '@/pages/running/Adapters';
import { useMay } from '@/session/session';
import type { Fields } from './PlaceFields';

export function MoreFields({ draft, set, error, lost }: Fields & { lost: readonly string[] }) {
  const { t } = useTranslation();
  const may = useMay();
  const mayAll = may('launches.unsafe');
  return (
    <Stack gap="sm">
      <Text size="sm" fw={500}>
        {t('running.settings.adapters')}
      </Text>
      {draft.adapters.map((adapter) => (
        <Group key={adapter.name} gap="xs">
          <Code>{adapter.name}</Code>
          <Text size="sm">{adapter.path || adapter.source?.id}</Text>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('launch.adapters.detach', { name: adapter.name })}
            onClick={() => set({ adapters: draft.adapters.filter((one) => one !== adapter) })}
          >
            <IconX size={14} />
          </ActionIcon>
        </Group>
      ))}
      <NewAdapter
        action={t('common.add')}
        add={async (adapter) => {
          set({ adapters: [...draft.adapters.filter((one) => one.name !== adapter.name), adapter] });
          return true;
        }}
      />
      {error('adapters') && (
        <Text size="sm" c="red">
          {error('adapters')}
        </Text>
      )}
      {may('launches.share') && (
        <Switch
          label={t('launch.shared')}
          description={t('launch.sharedHelp')}
          checked={draft.shared}
          onChange={(event) => set({ shared: event.currentTarget.checked })}
        />
      )}
      {!mayAll && (
        <Text size="sm" c="dimmed">
          {t('launch.notYours')}
        </Text>
      )}
      {mayAll && (
        <>
          <Switch
            label={t('launch.remoteCode')}
            description={t('launch.remoteCodeHelp')}
            checked={draft.trustRemoteCode}
            onChange={(event) => set({ trustRemoteCode: event.currentTarget.checked })}
            error={error('trust_remote_code')}
          />
          {lost.length > 0 && (
            <Alert color="orange" variant="light">
              {t('launch.variablesLost', { names: lost.join(', ') })}
            </Alert>
          )}
          <TagsInput
            label={t('launch.variables')}
            description={t('launch.variablesHelp')}
            placeholder={draft.variables.length ? undefined : 'NAME=value'}
            value={draft.variables}
            onChange={(value) => set({ variables: value })}
            splitChars={['\n']}
            error={error('environment')}
          />
          <TagsInput
            label={t('launch.packages')}
            description={t('launch.packagesHelp')}
            placeholder={draft.packages.length ? undefined : 'einops>=0.8'}
            value={draft.packages}
            onChange={(value) => set({ packages: value })}
            splitChars={['\n', ' ']}
            error={error('packages')}
          />
        </>
      )}
    </Stack>
  );
}
