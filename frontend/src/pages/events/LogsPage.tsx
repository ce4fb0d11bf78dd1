/** Logs of models and of the platform's own processes, on any machine, as they are written. */

import {
  ActionIcon,
  Button,
  Group,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { IconArrowBarToDown, IconDownload, IconFileText, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchesQuery } from '@/api/launches';
import { type LogSource, logFoldersQuery } from '@/api/logs';
import { useFormat } from '@/format/useFormat';
import { found } from '@/live/logLines';
import { useLog, wholeLog } from '@/live/useLog';
import { CopyIcon } from '@/ui/Copy';
import { wentWrong } from '@/ui/notify';
import { Page } from '@/ui/Page';
import { saveFile } from '@/ui/saveFile';
import { Empty, Placeholder, Problem, ProblemAlert } from '@/ui/states';
import { type ChoiceProps, ModelChoice, NodeChoice } from './choices';
import { LogView } from './LogView';
import type { LogsSearch } from './search';
import { useUrlText } from './useUrlText';

export default function LogsPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('logs.title')} about={t('logs.about')} needs="logs.read">
      <Logs />
    </Page>
  );
}

function Logs() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as LogsSearch;
  const { model, replica, node, folder } = search;
  const change = (some: LogsSearch) =>
    void navigate({ to: '/logs', search: { ...search, ...some }, replace: true });
  const [text, setText] = useUrlText(search.text, (now) => change({ text: now }));
  // What a model prints is its engine's; of our own processes it is their log that says most.
  const file = search.file ?? (node && !replica ? 'log' : 'output');
  const source = useMemo<LogSource | null>(() => {
    if (replica) return { replica, file };
    if (model) return { model, file };
    return node ? { node, folder, file } : null;
  }, [model, replica, node, folder, file]);
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end" role="search" aria-label={t('logs.choose')}>
        <ModelChoice
          none={t('common.none')}
          value={model}
          choose={(value) => change({ ...NOTHING, model: value })}
        />
        {model && (
          <ReplicaChoice model={model} value={replica} choose={(value) => change({ replica: value })} />
        )}
        <Text size="sm" c="dimmed" pb={8}>
          {t('logs.or')}
        </Text>
        <NodeChoice
          none={t('common.none')}
          value={node}
          choose={(value) => change({ ...NOTHING, node: value })}
        />
        {node && <FolderChoice node={node} value={folder} choose={(value) => change({ folder: value })} />}
        <SegmentedControl
          aria-label={t('logs.file')}
          value={file}
          onChange={(value) => change({ file: value === 'log' ? 'log' : 'output' })}
          data={(['output', 'log'] as const).map((one) => ({ value: one, label: t(`logs.files.${one}`) }))}
        />
      </Group>
      {source ? (
        <Tail key={JSON.stringify(source)} source={source} text={text} setText={setText} />
      ) : (
        <Empty icon={<IconFileText size={26} />} title={t('logs.none')}>
          {t('logs.noneHelp')}
        </Empty>
      )}
    </Stack>
  );
}

const NOTHING: LogsSearch = {
  model: undefined,
  replica: undefined,
  node: undefined,
  folder: undefined,
  file: undefined,
};

function Tail({
  source,
  text,
  setText,
}: {
  source: LogSource;
  text: string;
  setText: (text: string) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(true);
  const [only, setOnly] = useState(false);
  const [fetching, setFetching] = useState(false);
  const { log, error, again } = useLog(source, true);
  const wanted = useDeferredValue(text);
  const places = useMemo(() => found(log?.lines ?? [], wanted), [log, wanted]);

  if (!log) return error ? <Problem error={error} retry={again} /> : <Placeholder lines={8} />;
  const download = async () => {
    setFetching(true);
    try {
      saveFile(`${log.node}-${log.folder}-${source.file}.txt`, await wholeLog(source));
    } catch (problem) {
      wentWrong(problem);
    } finally {
      setFetching(false);
    }
  };
  return (
    <Stack gap="xs">
      <ProblemAlert error={error} retry={again} />
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <TextInput
            size="sm"
            w={240}
            aria-label={t('logs.search')}
            placeholder={t('logs.search')}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          {text && (
            <>
              <Text size="sm" role="status">
                {t('logs.found', { count: places.length, number: format.count(places.length) })}
              </Text>
              <Switch
                size="sm"
                label={t('logs.only')}
                checked={only}
                onChange={(event) => setOnly(event.currentTarget.checked)}
              />
            </>
          )}
        </Group>
        <Group gap={6}>
          <Switch
            size="sm"
            label={t('logs.wrap')}
            checked={wrap}
            onChange={(event) => setWrap(event.currentTarget.checked)}
          />
          <Button
            size="compact-sm"
            variant={follow ? 'light' : 'default'}
            aria-pressed={follow}
            leftSection={<IconArrowBarToDown size={14} aria-hidden />}
            onClick={() => setFollow(!follow)}
          >
            {t('logs.follow')}
          </Button>
          <CopyIcon value={log.lines.join('\n')} label={t('logs.copy')} />
          <Tooltip label={t('logs.download')}>
            <ActionIcon
              variant="subtle"
              color="gray"
              loading={fetching}
              aria-label={t('logs.download')}
              onClick={() => void download()}
            >
              <IconDownload size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      {log.size === 0 ? (
        <Empty title={t('logs.empty')}>{t('logs.emptyHelp')}</Empty>
      ) : (
        <LogView
          log={log}
          shown={only && wanted ? places : null}
          text={wanted}
          wrap={wrap}
          follow={follow}
          setFollow={setFollow}
        />
      )}
      <Text size="xs" c="dimmed">
        {t('logs.from', { node: log.node, folder: log.folder, size: format.bytes(log.size) })}
      </Text>
    </Stack>
  );
}

function ReplicaChoice({ model, value, choose }: ChoiceProps & { model: string }) {
  const { t } = useTranslation();
  const query = useQuery(launchesQuery);
  const replicas = query.data?.find((launch) => launch.uid === model)?.replicas ?? [];
  const known = replicas.map((replica) => ({
    value: replica.id,
    label: t('logs.replicaOn', { epoch: replica.epoch, node: replica.node }),
  }));
  const isUnknown = value && !known.some((one) => one.value === value);
  return (
    <Select
      size="sm"
      w={200}
      label={t('logs.replica')}
      placeholder={t('logs.newest')}
      clearable
      data={isUnknown ? [...known, { value, label: value.slice(0, 8) }] : known}
      value={value ?? null}
      onChange={(chosen) => choose(chosen ?? undefined)}
    />
  );
}

function FolderChoice({ node, value, choose }: ChoiceProps & { node: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useQuery(logFoldersQuery(node));
  const known = (query.data?.logs ?? []).map(({ folder, process, started }) => ({
    value: folder,
    label: `${process.replace(/^(replica-[0-9a-f]{8})[0-9a-f-]*-(\d+)$/, '$1 #$2')} · ${format.moment(new Date(started))}`,
  }));
  const isUnknown = value && !known.some((one) => one.value === value);
  return (
    <Select
      size="sm"
      w={300}
      label={t('logs.process')}
      placeholder={t('logs.agent')}
      searchable
      clearable
      error={query.isError ? t('logs.noFolders') : undefined}
      data={isUnknown ? [...known, { value, label: value }] : known}
      value={value ?? null}
      onChange={(chosen) => choose(chosen ?? undefined)}
    />
  );
}
