/** A token with which a machine joins, and the commands to run on it. The token is shown this once. */

import { Alert, Button, Group, List, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import { useMakeJoinToken } from '@/api/nodes';
import { CopyBlock } from '@/ui/Copy';
import { message } from '@/ui/problems';
import { ProblemAlert } from '@/ui/states';

const HOURS = { hour: 1, day: 24, week: 24 * 7, month: 24 * 30 } as const;
const ENDS = ['hour', 'day', 'week', 'month', 'never'] as const;
type End = (typeof ENDS)[number];

export function JoinDialog({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  const make = useMakeJoinToken();
  const [name, setName] = useState('');
  const [end, setEnd] = useState<End>('day');
  const leave = () => {
    close();
    make.reset();
    setName('');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const expires = end === 'never' ? null : new Date(Date.now() + HOURS[end] * 3_600_000).toISOString();
    make.mutate({ name: name.trim() || t('nodes.join.defaultName'), expires });
  };
  const nameError =
    make.error instanceof ApiError && make.error.param === 'name' ? message(make.error) : null;
  return (
    <Modal
      opened={opened}
      onClose={leave}
      title={t('nodes.join.open')}
      size="lg"
      closeOnClickOutside={!make.data}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {make.data ? (
        <Commands token={make.data.token} done={leave} />
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{t('nodes.join.about')}</Text>
            <TextInput
              label={t('nodes.join.name')}
              description={t('nodes.join.nameHelp')}
              placeholder={t('nodes.join.defaultName')}
              maxLength={100}
              value={name}
              error={nameError}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Select
              label={t('nodes.join.end')}
              description={t('nodes.join.endHelp')}
              data={ENDS.map((one) => ({ value: one, label: t(`nodes.join.ends.${one}`) }))}
              value={end}
              allowDeselect={false}
              onChange={(value) => setEnd((value as End | null) ?? 'day')}
            />
            {!nameError && <ProblemAlert error={make.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={leave}>
                {t('common.cancel')}
              </Button>
              <Button type="submit" loading={make.isPending}>
                {t('nodes.join.make')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function Commands({ token, done }: { token: string; done: () => void }) {
  const { t } = useTranslation();
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  return (
    <Stack>
      <Text size="sm">{t('nodes.join.run')}</Text>
      <CopyBlock
        text={`export XPLATFORM_JOIN_TOKEN=${token}\nxplatform worker --join ${location.origin}`}
        label={t('nodes.join.command')}
      />
      {isLocal && (
        <Alert color="orange" variant="light" icon={<IconAlertTriangle size={18} />}>
          {t('nodes.join.local', { origin: location.origin })}
        </Alert>
      )}
      <List size="sm" spacing={4}>
        <List.Item>{t('nodes.join.once')}</List.Item>
        <List.Item>{t('nodes.join.several')}</List.Item>
        <List.Item>{t('nodes.join.options')}</List.Item>
      </List>
      <Group justify="flex-end">
        <Button onClick={done} data-autofocus>
          {t('nodes.join.done')}
        </Button>
      </Group>
    </Stack>
  );
}
