/** One family: what it is, in which forms it exists, which of them run here, and what they take. */

import { Alert, Anchor, Badge, Button, Grid, Group, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconEdit, IconRocket, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { familyQuery, KINDS, waysQuery } from '@/api/catalogue';
import { useUnregister } from '@/api/registrations';
import type { Family, Ways } from '@/api/schema';
import { useMay, useMe } from '@/session/session';
import { Ago } from '@/ui/Ago';
import { Confirm } from '@/ui/confirm';
import { Facts } from '@/ui/Facts';
import { said } from '@/ui/notify';
import { Page } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { asOneOf, useUrl } from '@/ui/useUrl';
import { ChosenForm } from './ChosenForm';
import { LaunchLink } from './LaunchLink';
import { readChosen } from './search';
import { useWords } from './useWords';
import { WaysTable } from './WaysTable';
import { chosenWay } from './ways';

export default function ModelPage() {
  const { kind: said, name = '' } = useParams({ strict: false }) as { kind?: string; name?: string };
  const kind = asOneOf(said, KINDS, 'llm');
  const { t } = useTranslation();
  const may = useMay();
  const enabled = may('registrations.read');
  const family = useQuery({ ...familyQuery(kind, name), enabled });
  const ways = useQuery({ ...waysQuery(kind, name), enabled });
  const [chosen, choose] = useUrl(readChosen);
  const way = ways.data && chosenWay(ways.data.ways, chosen);
  return (
    <Page
      title={family.data?.name ?? name}
      about={family.data?.description}
      needs="registrations.read"
      actions={
        <>
          {family.data && <OwnersActions family={family.data} registered={ways.data?.registered ?? null} />}
          {may('launches.write') && (
            <LaunchLink
              wanted={{
                kind,
                name: family.data?.name ?? name,
                size: way?.size,
                format: way?.format,
                quantization: way?.quantization,
                engine: way?.fits ? way.engines[0] : undefined,
              }}
              leftSection={<IconRocket size={16} />}
            >
              {t('models.launch')}
            </LaunchLink>
          )}
        </>
      }
    >
      <Loaded query={family} lines={6}>
        {(about) => (
          <Stack gap="lg">
            {about.remote_code && (
              <Alert color="orange" variant="light" icon={<IconAlertTriangle size={18} />}>
                {t('models.remoteCode')}
              </Alert>
            )}
            <Grid gap="lg">
              <Grid.Col span={{ base: 12, lg: 8 }}>
                <Title order={2} size="h4" mb="xs">
                  {t('models.forms')}
                </Title>
                <Loaded query={ways} lines={8}>
                  {(found) => <WaysTable ways={found.ways} way={way} choose={choose} />}
                </Loaded>
              </Grid.Col>
              <Grid.Col span={{ base: 12, lg: 4 }}>
                {way && <ChosenForm kind={kind} name={about.name} way={way} />}
              </Grid.Col>
            </Grid>
            <section>
              <Title order={2} size="h4" mb="xs">
                {t('models.aboutIt')}
              </Title>
              <About family={about} registered={ways.data?.registered ?? null} />
            </section>
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

function OwnersActions({ family, registered }: { family: Family; registered: Ways['registered'] }) {
  const { t } = useTranslation();
  const may = useMay();
  const me = useMe();
  const navigate = useNavigate();
  const [unregister, forget] = useUnregister();
  const [asks, setAsks] = useState(false);
  if (!may('registrations.write')) return null;
  const { kind, name } = family;
  if (!registered) {
    return (
      <Button
        renderRoot={(props) => (
          <Link to="/models/register" search={{ like: `${kind}/${name}` } as never} {...props} />
        )}
        variant="default"
      >
        {t('models.variant')}
      </Button>
    );
  }
  // Only the project that a registration belongs to changes it.
  if (me?.project && me.project !== registered.project) return null;
  return (
    <>
      <Button
        component={Link}
        to="/models/$kind/$name/edit"
        params={{ kind, name } as never}
        variant="default"
        leftSection={<IconEdit size={16} />}
      >
        {t('common.edit')}
      </Button>
      <Button variant="light" color="red" leftSection={<IconTrash size={16} />} onClick={() => setAsks(true)}>
        {t('models.delete')}
      </Button>
      <Confirm
        opened={asks}
        close={() => setAsks(false)}
        title={t('models.deleteTitle', { name })}
        action={t('models.delete')}
        run={async () => {
          await unregister.mutateAsync({ kind, name });
          said(t('models.deleted', { name }));
          await navigate({ to: '/models' });
          await forget();
        }}
      >
        {t('models.deleteHelp')}
      </Confirm>
    </>
  );
}

function About({ family, registered }: { family: Family; registered: Ways['registered'] }) {
  const { t } = useTranslation();
  const words = useWords();
  const facts: [string, React.ReactNode][] = [
    [t('models.type'), words.kind(family.kind)],
    [
      t('models.ability'),
      <Group key="abilities" gap={4}>
        {(family.abilities ?? []).map((ability) => (
          <Badge key={ability} size="sm" variant="light" tt="none">
            {words.ability(ability)}
          </Badge>
        ))}
      </Group>,
    ],
    [t('models.context'), words.tokens(family.context_length)],
    [t('models.licence'), family.licence || t('common.unknown')],
  ];
  if (family.dimensions) facts.push([t('models.dimensions'), words.tokens(family.dimensions)]);
  if (family.languages?.length) facts.push([t('models.languages'), family.languages.join(', ')]);
  if (family.architectures?.length) facts.push([t('models.architecture'), family.architectures.join(', ')]);
  if (family.homepage) facts.push([t('models.homepage'), <Outside key="home" href={family.homepage} />]);
  if (registered)
    facts.push([
      t('models.registeredLine'),
      <Text key="registered" span size="sm">
        {t('models.versionBy', {
          version: registered.version,
          name: registered.owner || t('common.unknown'),
          project: registered.project,
        })}{' '}
        <Ago at={registered.created} />
        {registered.shared && ` · ${t('models.shared')}`}
      </Text>,
    ]);
  return <Facts label={t('models.aboutIt')} facts={facts} />;
}

function Outside({ href }: { href: string }) {
  // Whoever registers a model writes it: a link of another scheme could run as a script.
  if (!/^https?:/i.test(href))
    return (
      <Text span size="sm">
        {href}
      </Text>
    );
  return (
    <Anchor href={href} target="_blank" rel="noreferrer" size="sm">
      {href.replace(/^https?:\/\//, '')}
    </Anchor>
  );
}
