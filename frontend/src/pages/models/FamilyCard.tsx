import { Badge, Button, Card, Group, Text, Title } from '@mantine/core';
import { IconCheck, IconDatabase, IconRocket, IconUser, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import type { FamilyLine } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import classes from './FamilyCard.module.css';
import { range } from './filter';
import { LaunchLink } from './LaunchLink';
import { useWords } from './useWords';

export const CARD_HEIGHT = 236;
const MOST_ABILITIES = 4;

type Props = { line: FamilyLine; mayLaunch: boolean };

/** Kept as it is while others come and go: typing makes it move, not anew. */
export const FamilyCard = memo(function FamilyCard({ line, mayLaunch }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const more = line.abilities.length - MOST_ABILITIES;
  const facts = [
    line.sizes.length > 0 && words.size(range(line.sizes)),
    line.context_length &&
      t('models.tokens', { count: line.context_length, tokens: words.tokens(line.context_length) }),
    line.licence,
  ].filter(Boolean);
  return (
    <Card
      withBorder
      padding="md"
      h="100%"
      component="article"
      aria-label={line.name}
      className={classes.card}
    >
      <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
        <Title order={2} size="h5" className={classes.name}>
          <Link
            to="/models/$kind/$name"
            params={{ kind: line.kind, name: line.name }}
            className={classes.link}
          >
            {line.name}
          </Link>
        </Title>
        <Group gap={4} wrap="nowrap">
          {line.registered && (
            <Badge
              title={t('models.registeredBy', { name: line.registered.owner || t('common.unknown') })}
              variant="light"
              color="grape"
              leftSection={<IconUser size={11} />}
              tt="none"
            >
              {t('models.mine')}
            </Badge>
          )}
          {line.cached && (
            <Badge
              title={t('models.cachedHelp')}
              variant="light"
              color="teal"
              leftSection={<IconDatabase size={11} />}
              tt="none"
            >
              {t('models.cached')}
            </Badge>
          )}
          <Badge variant="default" tt="none">
            {words.kind(line.kind)}
          </Badge>
        </Group>
      </Group>
      <Text size="sm" c="dimmed" lineClamp={2} mt={4} h={42}>
        {line.description}
      </Text>
      <Group gap={4} mt="xs" h={22} className={classes.oneLine}>
        {line.abilities.slice(0, MOST_ABILITIES).map((ability) => (
          <Badge key={ability} size="sm" variant="light" tt="none">
            {words.ability(ability)}
          </Badge>
        ))}
        {more > 0 && (
          <Badge size="sm" variant="light" color="gray" title={line.abilities.map(words.ability).join(', ')}>
            +{more}
          </Badge>
        )}
      </Group>
      <Text size="sm" mt="xs" truncate title={facts.join(' · ')}>
        {facts.join(' · ') || ' '}
      </Text>
      <Here line={line} />
      <Group gap="xs" mt="auto" pt="xs">
        {mayLaunch && (
          <LaunchLink
            wanted={{ kind: line.kind, name: line.name }}
            size="xs"
            variant={line.here.fits ? 'filled' : 'default'}
            leftSection={<IconRocket size={14} />}
            aria-label={t('models.launchName', { name: line.name })}
          >
            {t('models.launch')}
          </LaunchLink>
        )}
        <Button
          component={Link}
          to="/models/$kind/$name"
          params={{ kind: line.kind, name: line.name } as never}
          size="xs"
          variant="subtle"
          aria-label={t('models.detailsOf', { name: line.name })}
        >
          {t('common.details')}
        </Button>
      </Group>
    </Card>
  );
});

function Here({ line }: { line: FamilyLine }) {
  const { t } = useTranslation();
  const words = useWords();
  const format = useFormat();
  const { here } = line;
  if (here.fits) {
    const sizes = here.sizes.length ? words.size(range(here.sizes)) : '';
    const memory = here.memory ? t('models.fromMemory', { memory: format.bytes(here.memory) }) : '';
    const text = t('models.runsWith', { what: [sizes, here.engine].filter(Boolean).join(' · ') });
    return (
      <Text
        size="xs"
        mt={6}
        className={classes.runs}
        truncate
        title={[text, memory].filter(Boolean).join(' · ')}
      >
        <IconCheck size={13} aria-hidden /> {[text, memory].filter(Boolean).join(' · ')}
      </Text>
    );
  }
  const reason = here.engine
    ? t('models.tooLarge', { memory: format.bytes(here.memory) })
    : here.reason || t('models.noNode');
  return (
    <Text size="xs" mt={6} className={classes.not} truncate title={reason}>
      <IconX size={13} aria-hidden /> {reason}
    </Text>
  );
}
