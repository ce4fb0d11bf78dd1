/** For whoever has no model yet: what to do first. */

import { Group, Paper, SimpleGrid, Text, Title } from '@mantine/core';
import { IconKey, IconMessages, IconRocket, IconSearch } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/session/session';
import { CopyBlock } from '@/ui/Copy';
import { ButtonLink } from '@/ui/links';

export default function FirstSteps({ demo }: { demo: boolean }) {
  const { t } = useTranslation();
  const may = useMay();
  const model = demo ? 'demo' : 'MODEL';
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4">
        {t('home.first.title')}
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        {t('home.first.about')}
      </Text>
      <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
        {demo && may('models.use') && (
          <div>
            <Title order={3} size="h5">
              {t('home.first.try')}
            </Title>
            <Text size="sm" mb="sm">
              {t('home.first.tryHelp')}
            </Text>
            <ButtonLink
              to="/play/$what"
              params={{ what: 'chat' }}
              search={{ model: 'demo' }}
              leftSection={<IconMessages size={16} aria-hidden />}
            >
              {t('home.first.tryDo')}
            </ButtonLink>
          </div>
        )}
        {may('registrations.read') && (
          <div>
            <Title order={3} size="h5">
              {t('home.first.find')}
            </Title>
            <Text size="sm" mb="sm">
              {t('home.first.findHelp')}
            </Text>
            <Group gap="xs">
              <ButtonLink to="/models" variant="light" leftSection={<IconSearch size={16} aria-hidden />}>
                {t('home.first.findDo')}
              </ButtonLink>
              {may('launches.write') && (
                <ButtonLink to="/launch" variant="subtle" leftSection={<IconRocket size={16} aria-hidden />}>
                  {t('home.first.launchDo')}
                </ButtonLink>
              )}
            </Group>
          </div>
        )}
        {may('models.use') && (
          <div>
            <Title order={3} size="h5">
              {t('home.first.call')}
            </Title>
            <Text size="sm" mb="sm">
              {t('home.first.callHelp')}
            </Text>
            {may('keys.own') && (
              <ButtonLink to="/keys" variant="light" leftSection={<IconKey size={16} aria-hidden />}>
                {t('home.first.callDo')}
              </ButtonLink>
            )}
          </div>
        )}
      </SimpleGrid>
      {may('models.use') && (
        <Group mt="md" gap={4} align="stretch" grow>
          <CopyBlock text={curl(location.origin, model)} label={t('home.first.command')} />
        </Group>
      )}
    </Paper>
  );
}

function curl(origin: string, model: string): string {
  const body = { model, messages: [{ role: 'user', content: 'Hello!' }] };
  return [
    `curl ${origin}/v1/chat/completions`,
    `  -H "Authorization: Bearer $XPLATFORM_API_KEY"`,
    `  -H "Content-Type: application/json"`,
    `  -d '${JSON.stringify(body)}'`,
  ].join(' \\\n');
}
