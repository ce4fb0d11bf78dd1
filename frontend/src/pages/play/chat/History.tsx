/** Conversations that this browser keeps. */

import { ActionIcon, Button, Drawer, Group, Stack, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { IconCopy, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Ago } from '@/ui/Ago';
import { Confirm } from '@/ui/confirm';
import { Empty, Loaded } from '@/ui/states';
import { type Conversation, copyOf } from './conversation';
import { forget, forgetAll, keep, keptQuery } from './kept';

type Props = {
  username: string;
  opened: boolean;
  close: () => void;
  current: string;
  open: (conversation: Conversation) => void;
  /** the one that is shown was removed */
  onGone: () => void;
};

export function History({ username, opened, close, current, open, onGone }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const kept = useQuery({ ...keptQuery(username), enabled: opened });
  const [asks, setAsks] = useState(false);
  const look = () => client.invalidateQueries({ queryKey: keptQuery(username).queryKey });
  const choose = (conversation: Conversation) => {
    open(conversation);
    close();
  };
  const remove = async (id: string) => {
    await forget(username, id);
    await look();
    if (id === current) onGone();
  };
  const copy = async (conversation: Conversation) => {
    const made = copyOf(conversation);
    await keep(username, made);
    choose(made);
  };
  return (
    <Drawer
      opened={opened}
      onClose={close}
      title={t('play.history.title')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('play.history.help')}
        </Text>
        <Loaded
          query={kept}
          isEmpty={(all) => all.length === 0}
          empty={<Empty title={t('play.history.none')} />}
        >
          {(all) => (
            <>
              <Stack gap={4} component="ul" m={0} p={0}>
                {all.map((one) => (
                  <Group key={one.id} component="li" wrap="nowrap" gap={4}>
                    <UnstyledButton
                      flex={1}
                      miw={0}
                      p="xs"
                      onClick={() => choose(one)}
                      aria-current={one.id === current ? 'true' : undefined}
                    >
                      <Text size="sm" fw={one.id === current ? 700 : 400} truncate>
                        {one.title || t('play.history.untitled')}
                      </Text>
                      <Text size="xs" c="dimmed" truncate>
                        {one.columns.map((column) => column.model).join(', ')} ·{' '}
                        <Ago at={new Date(one.changed)} />
                      </Text>
                    </UnstyledButton>
                    <Tooltip label={t('play.history.copy')}>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={t('play.history.copyOf', { title: one.title })}
                        onClick={() => void copy(one)}
                      >
                        <IconCopy size={16} />
                      </ActionIcon>
                    </Tooltip>
                    <Tooltip label={t('common.remove')}>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={t('play.history.removeOf', { title: one.title })}
                        onClick={() => void remove(one.id)}
                      >
                        <IconTrash size={16} />
                      </ActionIcon>
                    </Tooltip>
                  </Group>
                ))}
              </Stack>
              <Button variant="subtle" color="red" onClick={() => setAsks(true)}>
                {t('play.history.removeAll')}
              </Button>
            </>
          )}
        </Loaded>
      </Stack>
      <Confirm
        opened={asks}
        close={() => setAsks(false)}
        title={t('play.history.removeAll')}
        action={t('common.remove')}
        run={async () => {
          await forget(username, current);
          await forgetAll(username);
          await look();
          onGone();
        }}
      >
        {t('play.history.removeAllHelp')}
      </Confirm>
    </Drawer>
  );
}
