/** A new key: shown now and never again, with a call that works. */

import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import type { CreatedKey } from '@/api/schema';
import { useMay } from '@/session/session';
import { CopyBlock } from '@/ui/Copy';
import { reached } from './scopes';

export function ShownOnce({ made, done }: { made: CreatedKey; done: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const launches = useQuery({ ...launchesQuery, enabled: may('launches.read') });
  const chats = (launches.data ?? []).filter((launch) => launch.abilities.includes('chat'));
  const model = reached(
    made.models,
    chats.map((launch) => launch.uid),
  )[0];
  return (
    <Stack>
      <Alert icon={<IconEye size={18} />} color="orange" variant="light">
        {t('keys.shownOnce')}
      </Alert>
      <CopyBlock text={made.key} label={t('keys.theKey')} />
      <Text size="sm" fw={600}>
        {t('keys.tryIt')}
      </Text>
      <CopyBlock text={call(location.origin, made.key, model)} label={t('keys.tryIt')} />
      <Group justify="flex-end">
        <Button onClick={done}>{t('keys.kept')}</Button>
      </Group>
    </Stack>
  );
}

/** Without a model to chat with: what can be called at all. */
export function call(origin: string, key: string, model: string | undefined): string {
  if (!model) return `curl ${origin}/v1/models \\\n  -H 'Authorization: Bearer ${key}'`;
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] });
  return [
    `curl ${origin}/v1/chat/completions`,
    `-H 'Authorization: Bearer ${key}'`,
    `-H 'Content-Type: application/json'`,
    `-d '${body.replaceAll("'", "'\\''")}'`,
  ].join(' \\\n  ');
}
