/** What a replica writes, as it writes it. */

import { Box, Checkbox, Group, SegmentedControl, Select, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import type { Replica } from '@/api/schema';
import { useLog } from '@/live/useLog';
import { ProblemAlert } from '@/ui/states';
import classes from './LogTail.module.css';

/** What a glance needs; all of it is on the page of logs. */
const SHOWN_LINES = 3000;
/** What the engine printed, and what the process around it noted. */
const FILES = ['output', 'log'] as const;
type LogFile = (typeof FILES)[number];

export function LogTail({
  uid,
  replica = '',
  file = 'output',
  height = 420,
}: {
  uid: string;
  replica?: string;
  file?: LogFile;
  height?: number;
}) {
  const { t } = useTranslation();
  const { log, error } = useLog({ ...(replica ? { replica } : { model: uid }), file }, true, true);
  const lines = log?.lines.slice(-SHOWN_LINES) ?? [];
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines move it
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log, follows]);
  const isNone = error instanceof ApiError && error.status === 404;
  return (
    <>
      <Group justify="flex-end" mb={4}>
        <Checkbox
          size="xs"
          label={t('running.log.follow')}
          checked={follows}
          onChange={(event) => setFollows(event.currentTarget.checked)}
        />
      </Group>
      {!isNone && <ProblemAlert error={error} />}
      <Box
        component="pre"
        ref={box}
        className={classes.log}
        mah={height}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t('running.log.title', { uid })}
      >
        {lines.length ? (
          lines.join('\n')
        ) : (
          <Text size="sm" c="dimmed">
            {t('running.log.empty')}
          </Text>
        )}
      </Box>
    </>
  );
}

export function LogOfReplicas({
  uid,
  replicas,
  replica,
  choose,
}: {
  uid: string;
  replicas: readonly Replica[];
  replica: string | undefined;
  choose: (replica: string | undefined) => void;
}) {
  const { t, i18n } = useTranslation();
  const word = (state: string) =>
    i18n.exists(`state.${state}`) ? t(`state.${state}` as 'state.ready') : state;
  const [file, setFile] = useState<LogFile>('output');
  return (
    <>
      <Group align="flex-end">
        <Select
          label={t('running.log.of')}
          placeholder={t('running.log.newest')}
          clearable
          maw={360}
          value={replica ?? null}
          onChange={(id) => choose(id ?? undefined)}
          data={replicas.map((one) => ({
            value: one.id,
            label: t('running.log.replica', { epoch: one.epoch, node: one.node, state: word(one.state) }),
          }))}
        />
        <SegmentedControl
          aria-label={t('logs.file')}
          value={file}
          onChange={(value) => setFile(value === 'log' ? 'log' : 'output')}
          data={FILES.map((one) => ({ value: one, label: t(`logs.files.${one}`) }))}
        />
      </Group>
      <LogTail key={file} uid={uid} replica={replica} file={file} />
    </>
  );
}
