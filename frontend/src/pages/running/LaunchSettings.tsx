/** What may be changed while a launch runs, and what it was started with. */

import { Alert, Button, Group, NumberInput, Paper, Stack, Switch, Text, Title } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import { launchActions, useLaunchAction } from '@/api/launches';
import type { LaunchDetail } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { CopyBlock } from '@/ui/Copy';
import { Facts } from '@/ui/Facts';
import { said } from '@/ui/notify';
import { message } from '@/ui/problems';
import { ProblemAlert } from '@/ui/states';
import { Adapters } from './Adapters';

export function LaunchSettings({ launch, mayChange }: { launch: LaunchDetail; mayChange: boolean }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Stack>
      {!mayChange && <Alert color="gray">{t('running.settings.notYours')}</Alert>}
      <Section title={t('running.settings.keeping')}>
        <Keeping key={JSON.stringify(kept(launch))} launch={launch} mayChange={mayChange} />
      </Section>
      <Section title={t('running.settings.adapters')}>
        <Adapters launch={launch} mayChange={mayChange} />
      </Section>
      {may('launches.share') && !launch.built_in && (
        <Section title={t('running.settings.sharing')}>
          <Sharing launch={launch} />
        </Section>
      )}
      <Section title={t('running.settings.startedWith')}>
        <StartedWith launch={launch} />
      </Section>
    </Stack>
  );
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {title}
        </Title>
        {children}
      </Stack>
    </Paper>
  );
}

const kept = (launch: LaunchDetail) => [
  launch.min_replicas,
  launch.max_replicas,
  launch.idle_seconds,
  launch.pinned,
];

function Keeping({ launch, mayChange }: { launch: LaunchDetail; mayChange: boolean }) {
  const { t } = useTranslation();
  const act = useLaunchAction();
  const [least, setLeast] = useState<string | number>(launch.min_replicas);
  const [most, setMost] = useState<string | number>(launch.max_replicas);
  const [idle, setIdle] = useState<string | number>(launch.idle_seconds ?? '');
  const [pinned, setPinned] = useState(launch.pinned);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const at = (param: string) =>
    error instanceof ApiError && error.param === param ? message(error) : undefined;
  const isElsewhere = !at('min_replicas') && !at('max_replicas') && !at('idle_seconds');
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const bounds = { min_replicas: Number(least), max_replicas: Number(most) };
    const keeping = { pinned, idle_seconds: idle === '' ? null : Number(idle) };
    try {
      await act(async () => {
        if (bounds.min_replicas !== launch.min_replicas || bounds.max_replicas !== launch.max_replicas)
          await launchActions.scale(launch.uid, bounds);
        if (keeping.pinned !== launch.pinned || keeping.idle_seconds !== launch.idle_seconds)
          await launchActions.keep(launch.uid, keeping);
      });
      said(t('running.done.saved'));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack gap="sm">
        <Group align="flex-start">
          <NumberInput
            label={t('launch.replicas.least')}
            description={t('launch.replicas.leastHelp')}
            min={0}
            allowDecimal={false}
            value={least}
            onChange={setLeast}
            error={at('min_replicas')}
            disabled={!mayChange}
            w={220}
          />
          <NumberInput
            label={t('launch.replicas.most')}
            description={t('launch.replicas.mostHelp')}
            min={1}
            allowDecimal={false}
            value={most}
            onChange={setMost}
            error={at('max_replicas')}
            disabled={!mayChange}
            w={220}
          />
          <NumberInput
            label={t('launch.replicas.idle')}
            description={t('launch.replicas.idleHelp')}
            min={1}
            value={idle}
            onChange={setIdle}
            error={at('idle_seconds')}
            disabled={!mayChange}
            placeholder={t('launch.replicas.never')}
            w={220}
          />
        </Group>
        <Switch
          label={t('launch.replicas.pinned')}
          description={t('launch.replicas.pinnedHelp')}
          checked={pinned}
          onChange={(event) => setPinned(event.currentTarget.checked)}
          disabled={!mayChange}
        />
        {isElsewhere && <ProblemAlert error={error} />}
        {mayChange && (
          <Group>
            <Button type="submit" loading={busy} disabled={least === '' || most === ''}>
              {t('common.save')}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

function Sharing({ launch }: { launch: LaunchDetail }) {
  const { t } = useTranslation();
  const act = useLaunchAction();
  const [error, setError] = useState<unknown>(null);
  const share = async (shared: boolean) => {
    setError(null);
    try {
      await act(() => launchActions.share(launch.uid, shared));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <>
      <Switch
        label={t('launch.shared')}
        description={t('launch.sharedHelp')}
        checked={launch.shared}
        onChange={(event) => void share(event.currentTarget.checked)}
      />
      <ProblemAlert error={error} />
    </>
  );
}

function StartedWith({ launch }: { launch: LaunchDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const place = launch.placement;
  const where = [
    ...(place.nodes ?? []),
    ...Object.entries(place.labels ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(place.devices ?? []),
  ];
  const rows: [string, ReactNode][] = [
    [t('running.model'), launch.family || launch.source.id || launch.model_path],
    [t('launch.size'), launch.size],
    [t('launch.format'), launch.format],
    [t('launch.quantization'), launch.quantization],
    [t('running.engine'), launch.engine],
    [t('launch.slots'), format.count(launch.slots)],
    [
      t('launch.context'),
      launch.context_length === null ? t('launch.contextOfModel') : format.count(launch.context_length),
    ],
    [t('launch.place.title'), where.join(', ') || t('launch.place.anywhere')],
    [t('launch.packages'), launch.packages.join(', ')],
    [t('launch.variables'), launch.variables.join(', ')],
    [t('running.requestedBy'), launch.requested_by],
    [t('running.created'), format.moment(launch.created)],
    [t('running.project'), launch.project],
  ];
  const facts = rows.filter(([, value]) => value !== '' && value !== null);
  return (
    <>
      <Facts label={t('running.settings.startedWith')} facts={facts} />
      <Text size="sm" fw={500}>
        {t('launch.options.title')}
      </Text>
      {Object.keys(launch.options).length ? (
        <CopyBlock text={JSON.stringify(launch.options, null, 2)} label={t('launch.options.title')} />
      ) : (
        <Text size="sm" c="dimmed">
          {t('running.settings.noOptions')}
        </Text>
      )}
    </>
  );
}
