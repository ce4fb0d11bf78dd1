/** Code that calls the model, with a key that can be made here. */

import { Alert, Button, Group, Stack, Tabs, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMakeKey } from '@/api/keys';
import type { Launch } from '@/api/schema';
import { useMay } from '@/session/session';
import { CopyBlock, CopyIcon } from '@/ui/Copy';
import { ProblemAlert } from '@/ui/states';
import { SAMPLES, sample, wayOf } from './samples';

const NO_KEY = 'YOUR_API_KEY';

export function CodeSamples({ launch }: { launch: Launch }) {
  const { t } = useTranslation();
  const may = useMay();
  const make = useMakeKey();
  const [key, setKey] = useState('');
  const way = wayOf(launch);
  if (!way) return <Text c="dimmed">{t('running.code.none')}</Text>;
  const called = { base: location.origin, uid: launch.uid, key: key || NO_KEY, way };
  return (
    <Stack gap="sm">
      {!key && may('keys.own') && (
        <Group gap="sm">
          <Button
            variant="light"
            leftSection={<IconKey size={16} aria-hidden />}
            loading={make.isPending}
            onClick={() =>
              make.mutate(
                {
                  name: t('running.code.keyName', { uid: launch.uid }),
                  actions: ['models.read', 'models.use'],
                  models: [launch.uid],
                },
                { onSuccess: (made) => setKey(made.key) },
              )
            }
          >
            {t('running.code.makeKey')}
          </Button>
          <Text size="sm" c="dimmed">
            {t('running.code.makeKeyHelp')}
          </Text>
        </Group>
      )}
      <ProblemAlert error={make.error} />
      {key && (
        <Alert color="teal" variant="light" role="status" title={t('running.code.made')}>
          <Group gap={4} wrap="nowrap">
            <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
              {key}
            </Text>
            <CopyIcon value={key} label={t('running.code.copyKey')} />
          </Group>
        </Alert>
      )}
      <Tabs defaultValue="curl" keepMounted={false}>
        <Tabs.List aria-label={t('running.code.title')}>
          {SAMPLES.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`running.code.${name}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {SAMPLES.map((name) => (
          <Tabs.Panel key={name} value={name} pt="sm">
            <CopyBlock text={sample(name, called)} label={t(`running.code.${name}`)} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
