/** The same launch for a terminal, in step with the form. */

import { Paper, Stack, Tabs, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { NewLaunchRequest } from '@/api/schema';
import { CopyBlock } from '@/ui/Copy';
import { asCommand, asCurl } from './commands';

export function Commands({ order, again }: { order: NewLaunchRequest; again: string }) {
  const { t } = useTranslation();
  const command = asCommand(order);
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Title order={2} size="h4">
          {t('launch.commands.title')}
        </Title>
        {/* The command launches; it does not start another launch anew. */}
        <Tabs key={again} defaultValue={again ? 'curl' : 'command'} keepMounted={false}>
          <Tabs.List aria-label={t('launch.commands.title')}>
            {!again && <Tabs.Tab value="command">{t('launch.commands.command')}</Tabs.Tab>}
            <Tabs.Tab value="curl">curl</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="command" pt="xs">
            <CopyBlock text={command.text} label={t('launch.commands.command')} />
            {command.without.length > 0 && (
              <Text size="xs" mt={4}>
                {t('launch.commands.without', { what: command.without.join(', ') })}
              </Text>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="curl" pt="xs">
            <CopyBlock text={asCurl(order, location.origin, again)} label="curl" />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </Paper>
  );
}
