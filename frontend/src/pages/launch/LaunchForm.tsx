/** The form of a launch: only what works can be chosen, and what does not says why. */

import {
  Accordion,
  Box,
  Button,
  Grid,
  Group,
  NumberInput,
  Paper,
  Stack,
  Switch,
  TextInput,
  Title,
} from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconRocket } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { KINDS } from '@/api/catalogue';
import { type Estimated, launchEstimateQuery } from '@/api/engineOptions';
import { ApiError } from '@/api/errors';
import { launchActions, useLaunchAction } from '@/api/launches';
import type { EngineEstimate, Estimates } from '@/api/schema';
import { message } from '@/ui/problems';
import { Placeholder, ProblemAlert } from '@/ui/states';
import { Commands } from './Commands';
import { type Draft, nameFor, orderOf } from './draft';
import { EngineChoice } from './EngineChoice';
import { MemoryPreview } from './MemoryPreview';
import { ModelChoice } from './ModelChoice';
import { MoreFields } from './MoreFields';
import { OptionFields } from './OptionFields';
import { PlaceFields, ReplicaFields } from './PlaceFields';
import { type LaunchSearch, readSource } from './search';

type Props = {
  choice: LaunchSearch;
  change: (some: Partial<LaunchSearch>) => void;
  first: Draft;
  /** the variables of the launch that this begins with; their values are not told */
  lost: readonly string[];
};

/** What a launch would take of what is left open, with the memory of just that. */
function useTaken(asked: Estimated, engine: string, all: Estimates | undefined): EngineEstimate | undefined {
  const ofEngine = useQuery({
    ...launchEstimateQuery({ ...asked, engine }),
    enabled: !!engine && !!asked.name && !!all,
  });
  const chosen = engine ? ofEngine.data?.chosen : all?.chosen;
  const { size, format, quantization } = chosen ?? {};
  const exact = useQuery({
    ...launchEstimateQuery({ ...asked, engine: chosen?.engine, size, format, quantization }),
    enabled: !!chosen,
  });
  return exact.data?.engines.find((one) => one.engine === chosen?.engine);
}

/** Where the field is folded away. */
function foldOf(param: string): string | undefined {
  if (param.startsWith('options.')) return 'options';
  if (param.startsWith('placement')) return 'place';
  return /^(adapters|environment|packages|trust_remote_code)/.test(param) ? 'more' : undefined;
}

export function LaunchForm({ choice, change, first, lost }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const act = useLaunchAction();
  const [draft, setDraft] = useState(first);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [opened, setOpened] = useState<string[]>([]);
  const set = (some: Partial<Draft>) => setDraft((before) => ({ ...before, ...some }));
  const choose = (some: Partial<LaunchSearch>) => {
    // Options belong to an engine, and that to a model.
    if (some.engine !== undefined && some.engine !== choice.engine) set({ options: {} });
    setError(null);
    change(some);
  };

  const [asked] = useDebouncedValue(askedOf(choice, draft), 300);
  const estimates = useQuery({
    ...launchEstimateQuery(asked),
    placeholderData: (before) => (before?.model === asked.name || asked.path ? before : undefined),
  });
  const isChosen = !!(choice.name || readSource(choice.source).id || choice.path);
  const engines = isChosen ? (estimates.data?.engines ?? []) : [];
  const able = engines.filter((one) => one.reads);
  const taken =
    useTaken(asked, choice.engine, estimates.data) ??
    able.find((one) => one.engine === choice.engine) ??
    able[0];
  const order = orderOf(choice, draft);
  // Under another name it is another launch.
  const again = choice.from && choice.from === order.uid ? choice.from : '';
  const isNowhere = isChosen && estimates.isSuccess && !able.length;

  const at = (field: string) =>
    error instanceof ApiError && error.param === field ? message(error) : undefined;
  const isTooBig = error instanceof ApiError && error.code === 'does_not_fit';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { shared: _, ...changes } = order;
      const made = await act(() =>
        again ? launchActions.relaunch(again, changes) : launchActions.start(order),
      );
      await navigate({ to: '/running/$uid', params: { uid: made.uid } });
    } catch (problem) {
      setError(problem);
      const fold = problem instanceof ApiError && problem.param && foldOf(problem.param);
      if (fold) setOpened((before) => [...new Set([...before, fold])]);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            <Part title={t('launch.part.what')}>
              <ModelChoice choice={choice} change={choose} taken={taken} error={at} />
              {isChosen && (
                <TextInput
                  label={t('launch.uid')}
                  description={t('launch.uidHelp')}
                  placeholder={nameFor(choice)}
                  value={draft.uid}
                  onChange={(event) => set({ uid: event.currentTarget.value.trim() })}
                  error={at('uid')}
                  maw={360}
                />
              )}
            </Part>
            {isChosen && (
              <>
                <Part title={t('launch.part.how')}>
                  {estimates.isLoading && <Placeholder lines={3} />}
                  <ProblemAlert error={estimates.error} retry={() => void estimates.refetch()} />
                  {estimates.data && (
                    <EngineChoice
                      engines={engines.map((one) => (one.engine === taken?.engine ? taken : one))}
                      engine={choice.engine}
                      best={estimates.data.chosen?.engine}
                      choose={(engine) => choose({ engine })}
                      error={at('engine')}
                    />
                  )}
                  <Group align="flex-start">
                    <NumberInput
                      label={t('launch.context')}
                      description={t('launch.contextHelp')}
                      min={1}
                      allowDecimal={false}
                      value={draft.context ?? ''}
                      onChange={(value) => set({ context: value === '' ? null : Number(value) })}
                      placeholder={t('launch.contextOfModel')}
                      error={at('context_length')}
                      w={240}
                    />
                    <NumberInput
                      label={t('launch.slots')}
                      description={t('launch.slotsHelp')}
                      min={1}
                      allowDecimal={false}
                      value={draft.slots ?? ''}
                      onChange={(value) => set({ slots: value === '' ? null : Number(value) })}
                      placeholder={String(estimates.data?.slots ?? '')}
                      error={at('slots')}
                      w={240}
                    />
                  </Group>
                </Part>
                <Part title={t('launch.replicas.title')}>
                  <ReplicaFields draft={draft} set={set} error={at} />
                </Part>
                <Accordion
                  multiple
                  variant="separated"
                  chevronPosition="left"
                  value={opened}
                  onChange={setOpened}
                >
                  {taken && (
                    <Fold name="options" title={t('launch.options.titleOf', { engine: taken.engine })}>
                      <OptionFields
                        engine={taken.engine}
                        kind={KINDS.find((one) => one === choice.kind)}
                        values={draft.options}
                        change={(options) => {
                          // What is said to one engine is said to that one.
                          if (!choice.engine) change({ engine: taken.engine });
                          set({ options });
                        }}
                        error={at}
                      />
                    </Fold>
                  )}
                  <Fold name="place" title={t('launch.place.title')}>
                    <PlaceFields draft={draft} set={set} error={at} />
                  </Fold>
                  <Fold name="more" title={t('launch.part.more')}>
                    <MoreFields draft={draft} set={set} error={at} lost={lost} />
                  </Fold>
                </Accordion>
              </>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Box pos="sticky" top={68}>
            <Stack>
              <MemoryPreview estimate={isChosen ? (taken?.estimate ?? null) : null} draft={draft} />
              <ProblemAlert error={error} />
              {(isTooBig || draft.anyway) && (
                <Switch
                  label={t('launch.anyway')}
                  description={t('launch.anywayHelp')}
                  checked={draft.anyway}
                  onChange={(event) => set({ anyway: event.currentTarget.checked })}
                />
              )}
              <Button
                type="submit"
                size="md"
                loading={busy}
                disabled={!isChosen || isNowhere}
                leftSection={<IconRocket size={18} aria-hidden />}
              >
                {again ? t('launch.again', { uid: again }) : t('launch.submit')}
              </Button>
              {isChosen && <Commands order={order} again={again} />}
            </Stack>
          </Box>
        </Grid.Col>
      </Grid>
    </form>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
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

function Fold({ name, title, children }: { name: string; title: string; children: React.ReactNode }) {
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>{title}</Accordion.Control>
      <Accordion.Panel>{children}</Accordion.Panel>
    </Accordion.Item>
  );
}

function askedOf(choice: LaunchSearch, draft: Draft): Estimated {
  const asked: Estimated = {};
  const source = readSource(choice.source);
  const kind = KINDS.find((one) => one === choice.kind);
  if (choice.name) Object.assign(asked, { name: choice.name, kind });
  else if (source.id.includes('/')) Object.assign(asked, { name: source.id, hub: source.hub });
  else if (choice.path) asked.path = choice.path;
  if (!choice.name && source.revision) asked.revision = source.revision;
  for (const field of ['size', 'format', 'quantization'] as const)
    if (choice[field]) asked[field] = choice[field];
  if (draft.slots) asked.slots = draft.slots;
  if (draft.context) asked.context_length = draft.context;
  const [node] = draft.nodes;
  if (node) asked.node = node;
  return asked;
}
