/** What a source turned out to be, and the ways on: launch it, or register it under a name. */

import {
  Alert,
  Anchor,
  Badge,
  Button,
  Card,
  Grid,
  Group,
  List,
  Select,
  Stack,
  Table,
  Text,
  ThemeIcon,
  Title,
} from '@mantine/core';
import {
  IconAlertTriangle,
  IconCheck,
  IconInfoCircle,
  IconPlus,
  IconRocket,
  IconX,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { LookedSource as Looked } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { allInWords } from '@/i18n/reasons';
import { useMay } from '@/session/session';
import { Facts } from '@/ui/Facts';
import { draftKey } from './draft';
import { LaunchLink, type Wanted } from './LaunchLink';
import { useWords } from './useWords';

const MOST_FILES = 40;

type Props = { found: Looked; chooseQuantization: (name: string) => void; busy: boolean };

export function LookedSource({ found, chooseQuantization, busy }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const format = useFormat();
  const words = useWords();
  const { facts, source, known } = found;
  const able = found.engines.filter((one) => one.reads);
  // The launch page knows families, repositories and paths; an address gets a name first.
  const mayLaunch = able.length > 0 && source.hub !== 'uri';
  const rows: [string, React.ReactNode][] = [
    [t('models.add.source'), `${source.hub} · ${source.id}${source.revision ? ` @ ${source.revision}` : ''}`],
    [
      t('models.add.size'),
      t('models.add.filesOf', { count: found.file_count, size: format.bytes(found.total) }),
    ],
  ];
  if (facts) {
    rows.push([t('models.type'), facts.kind ? words.kind(facts.kind as 'llm') : t('common.unknown')]);
    rows.push([t('models.format'), [facts.format, facts.quantization].filter(Boolean).join(' · ') || '–']);
    rows.push([t('models.size'), words.size(found.size)]);
    rows.push([t('models.context'), words.tokens(facts.context_length)]);
    if (facts.architecture || facts.family)
      rows.push([t('models.architecture'), facts.architecture || facts.family]);
    if (facts.abilities?.length)
      rows.push([
        t('models.ability'),
        <Group key="abilities" gap={4}>
          {facts.abilities.map((ability) => (
            <Badge key={ability} size="sm" variant="light" tt="none">
              {words.ability(ability)}
            </Badge>
          ))}
        </Group>,
      ]);
  }
  return (
    <Grid gap="lg" mt="md" aria-busy={busy}>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Stack>
          <Title order={2} size="h4">
            {t('models.add.found')}
          </Title>
          {known && (
            <Alert variant="light" icon={<IconInfoCircle size={18} />}>
              {t('models.add.known')}{' '}
              <Anchor
                renderRoot={(props) => (
                  <Link
                    to="/models/$kind/$name"
                    params={{ kind: known.kind, name: known.name }}
                    search={{ size: known.size, format: known.format } as never}
                    {...props}
                  />
                )}
              >
                {known.name}
              </Anchor>
            </Alert>
          )}
          {found.problem && (
            <Alert color="orange" variant="light" icon={<IconAlertTriangle size={18} />}>
              {found.problem}
            </Alert>
          )}
          {facts?.remote_code && (
            <Alert color="orange" variant="light" icon={<IconAlertTriangle size={18} />}>
              {t('models.remoteCode')}
            </Alert>
          )}
          <Facts label={t('models.add.found')} facts={rows} />
          <FileList found={found} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Card withBorder>
          <Stack>
            <Title order={2} size="h5">
              {t('models.add.next')}
            </Title>
            {found.quantizations.length > 1 && (
              <Select
                label={t('models.quantization')}
                data={found.quantizations}
                value={found.quantization}
                onChange={(name) => name && chooseQuantization(name)}
                allowDeselect={false}
                searchable
              />
            )}
            {found.engines.length > 0 && (
              <List size="sm" spacing={4}>
                {found.engines.map((one) => (
                  <List.Item
                    key={one.engine}
                    icon={
                      <ThemeIcon size={18} radius="xl" variant="light" color={one.reads ? 'teal' : 'gray'}>
                        {one.reads ? <IconCheck size={12} /> : <IconX size={12} />}
                      </ThemeIcon>
                    }
                  >
                    <Text span size="sm" fw={one.reads ? 600 : 400}>
                      {one.engine}
                    </Text>{' '}
                    <Text span size="sm" c="dimmed">
                      {one.estimate
                        ? t('models.takes', { memory: format.bytes(one.estimate.total) })
                        : allInWords(one.reasons, one.reason)}
                    </Text>
                  </List.Item>
                ))}
              </List>
            )}
            {!able.length && facts && <Text size="sm">{t('models.add.noEngine')}</Text>}
            <Group>
              <LaunchLink
                wanted={wanted(found)}
                leftSection={<IconRocket size={16} />}
                disabled={!mayLaunch}
                data-disabled={!mayLaunch || undefined}
              >
                {t('models.launch')}
              </LaunchLink>
              {may('registrations.write') && (
                <Button
                  variant="default"
                  leftSection={<IconPlus size={16} />}
                  onClick={() => sessionStorage.setItem(draftKey, JSON.stringify(found.draft))}
                  renderRoot={(props) => (
                    <Link to="/models/register" search={{ draft: true } as never} {...props} />
                  )}
                >
                  {t('models.add.register')}
                </Button>
              )}
            </Group>
            <Text size="xs" c="dimmed">
              {t('models.add.registerHelp')}
            </Text>
          </Stack>
        </Card>
      </Grid.Col>
    </Grid>
  );
}

/** What the launch page is told: a family where the catalogue knows it, else where the files are. */
function wanted({ known, source, facts, quantization }: Looked): Wanted {
  if (known) return { ...known, quantization: known.format === 'ggufv2' ? quantization : known.quantization };
  const told = { kind: facts?.kind, format: facts?.format, quantization: facts?.quantization };
  const at = source.revision ? `@${source.revision}` : '';
  if (source.hub === 'path') return { ...told, path: source.id };
  return { ...told, source: `${source.hub}:${source.id}${at}` };
}

function FileList({ found }: { found: Looked }) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = [...found.files].sort((a, b) => b.size - a.size).slice(0, MOST_FILES);
  if (!shown.length) return null;
  return (
    <section>
      <Title order={3} size="h6" mb={4}>
        {t('models.files')}
      </Title>
      <Table aria-label={t('models.files')} verticalSpacing={4}>
        <Table.Tbody>
          {shown.map((file) => (
            <Table.Tr key={file.path}>
              <Table.Th scope="row" fw={400}>
                {file.path}
              </Table.Th>
              <Table.Td ta="right">{file.size ? format.bytes(file.size) : '–'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {found.file_count > shown.length && (
        <Text size="xs" c="dimmed">
          {t('models.add.moreFiles', { count: found.file_count - shown.length })}
        </Text>
      )}
    </section>
  );
}
