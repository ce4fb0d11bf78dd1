/** Is all well? And if not: what, since when, and where it is mended. */

import { Badge, Group, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconExclamationCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Attention, Overview } from '@/api/schema';
import { inWords } from '@/i18n/reasons';
import { Ago } from '@/ui/Ago';
import { TextLink } from '@/ui/links';
import { type Health, healthOf, wayTo } from './trouble';

const SHOWN = 8;
const COLORS: Record<Health, string> = { well: 'teal', warning: 'orange', error: 'red' };
const ICONS = { well: IconCheck, warning: IconExclamationCircle, error: IconAlertTriangle };

export function HealthLine({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const { attention, launches, nodes } = overview;
  const health = healthOf(attention);
  const Icon = ICONS[health];
  const parts = [
    t('home.ready', { count: launches.ready ?? 0 }),
    nodes && t('home.nodesUp', { count: nodes.up }),
  ];
  return (
    <Paper withBorder p="md">
      <Group gap="sm" wrap="nowrap" role="status">
        <ThemeIcon size={40} radius="xl" variant="light" color={COLORS[health]}>
          <Icon size={24} aria-hidden />
        </ThemeIcon>
        <div>
          <Title order={2} size="h3">
            {health === 'well' ? t('home.well') : t('home.attention', { count: attention.length })}
          </Title>
          <Text size="sm" c="dimmed">
            {parts.filter(Boolean).join(' · ')}
          </Text>
        </div>
      </Group>
      {attention.length > 0 && (
        <Stack component="ul" gap={8} mt="md" p={0} m={0} aria-label={t('home.attentionList')}>
          {attention.slice(0, SHOWN).map((one) => (
            <Trouble key={`${one.code} ${one.thing.node} ${one.thing.name}`} of={one} />
          ))}
          {attention.length > SHOWN && (
            <Text component="li" size="sm" c="dimmed" display="block">
              {t('home.further', { count: attention.length - SHOWN })}
            </Text>
          )}
        </Stack>
      )}
    </Paper>
  );
}

function Trouble({ of }: { of: Attention }) {
  const { t } = useTranslation();
  return (
    <Group component="li" gap="sm" wrap="nowrap" align="flex-start">
      <Badge
        color={of.severity === 'error' ? 'red' : 'orange'}
        variant="light"
        c="var(--mantine-color-text)"
        tt="none"
        miw={84}
        flex="none"
        mt={1}
      >
        {t(`home.severity.${of.severity}`)}
      </Badge>
      <Text size="sm" component="div" miw={0}>
        <TextLink {...wayTo(of)} fw={600}>
          {t(`home.trouble.${of.code}`, { name: of.thing.name, node: of.thing.node })}
        </TextLink>{' '}
        <Text span size="sm" c="dimmed">
          {inWords(of.reason, of.message)}
          {of.since && (
            <>
              {' '}
              (<Ago at={of.since} />)
            </>
          )}
        </Text>
      </Text>
    </Group>
  );
}
