/** Completions: a model goes on behind a text; how sure it was of each token. */

import { Button, Group, Paper, Stack, Switch, Text, Textarea } from '@mantine/core';
import { IconCode, IconPlayerStopFilled, IconSend } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Waiting } from '@/api/eventStream';
import { type Card, type CompletionChunk, stream } from '@/api/inference';
import { useFormat } from '@/format/useFormat';
import { CopyIcon } from '@/ui/Copy';
import { ProblemAlert } from '@/ui/states';
import { CodeModal } from '../CodeModal';
import { byReadiness } from '../kinds';
import { ModelPicker } from '../ModelPicker';
import { ParameterFields } from '../ParameterFields';
import { honoured, honours, type Values } from '../parameters';
import layout from '../play.module.css';
import { modelsOf, type PlaySearch } from '../search';
import { WaitingNote } from '../WaitingNote';
import { type Completed, NOTHING, withChunk } from './completed';
import classes from './completion.module.css';
import { TokenView } from './TokenView';

const ALTERNATIVES = 5;
const TELL_MS = 80;

export default function CompletionPage({ cards }: { cards: Card[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search: PlaySearch = useSearch({ strict: false });
  const model = modelsOf(search.model)[0] ?? byReadiness(cards)[0]?.id ?? '';
  const card = cards.find((one) => one.id === model);
  const [prompt, setPrompt] = useState('');
  const [values, setValues] = useState<Values>({ max_tokens: 128 });
  const [wantsTokens, setWantsTokens] = useState(false);
  const [shownCode, setShownCode] = useState(false);
  const run = useCompletion();
  const hasTokens = honours(card, 'logprobs');

  const body = {
    model,
    prompt,
    ...honoured(values, card),
    ...(wantsTokens && hasTokens ? { logprobs: ALTERNATIVES } : {}),
    stream: true,
    stream_options: { include_usage: true },
  };
  const send = () => {
    if (prompt && !run.isRunning) void run.begin(body);
  };

  return (
    <div className={layout.layout} data-side>
      <Stack miw={0}>
        <Group gap="xs" wrap="nowrap">
          <ModelPicker
            cards={cards}
            value={model}
            onChange={(name) =>
              void navigate({
                to: '/play/$what',
                params: { what: 'completion' },
                search: { model: name },
                replace: true,
              })
            }
            label={t('play.model')}
            disabled={run.isRunning}
          />
          <Button variant="default" leftSection={<IconCode size={16} />} onClick={() => setShownCode(true)}>
            {t('play.code.view')}
          </Button>
        </Group>
        <Textarea
          label={t('play.completion.prompt')}
          placeholder={t('play.completion.promptHint')}
          value={prompt}
          onChange={(event) => setPrompt(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            send();
          }}
          autosize
          minRows={5}
          maxRows={16}
        />
        <Group justify="space-between">
          <Switch
            label={t('play.completion.wantsTokens')}
            checked={wantsTokens && hasTokens}
            onChange={(event) => setWantsTokens(event.currentTarget.checked)}
            disabled={!hasTokens}
            description={hasTokens ? undefined : t('play.completion.noTokens')}
          />
          {run.isRunning ? (
            <Button
              color="red"
              variant="light"
              leftSection={<IconPlayerStopFilled size={16} />}
              onClick={run.stop}
            >
              {t('play.stop')}
            </Button>
          ) : (
            <Button leftSection={<IconSend size={16} />} onClick={send} disabled={!prompt || !card}>
              {t('play.completion.send')}
            </Button>
          )}
        </Group>
        <Result run={run} />
      </Stack>
      <aside className={layout.side} aria-label={t('play.settings.title')}>
        <Paper withBorder p="sm">
          <Stack gap="sm">
            <ParameterFields
              values={values}
              onChange={setValues}
              cards={[card]}
              without={['reasoning_effort']}
            />
          </Stack>
        </Paper>
      </aside>
      <CodeModal call="completion" body={shownCode ? body : null} close={() => setShownCode(false)} />
    </div>
  );
}

type Run = ReturnType<typeof useCompletion>;

function Result({ run }: { run: Run }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { done, prompt } = run;
  if (!run.isRunning && !run.error && done === NOTHING) return null;
  const rate =
    done.usage &&
    done.firstAfter !== null &&
    done.endedAfter !== null &&
    done.endedAfter - done.firstAfter > 0.1
      ? (done.usage.completion - 1) / (done.endedAfter - done.firstAfter)
      : null;
  const numbers = [
    done.usage &&
      t('play.numbers.tokens', {
        in: format.count(done.usage.prompt),
        out: format.count(done.usage.completion),
      }),
    done.firstAfter !== null && t('play.numbers.first', { time: format.seconds(done.firstAfter) }),
    rate && t('play.numbers.rate', { rate: format.count(rate) }),
    done.finish === 'length' && t('play.finish.length'),
    done.finish === 'stopped' && t('play.finish.stopped'),
  ].filter(Boolean);
  return (
    <Paper withBorder p="sm" component="section" aria-label={t('play.completion.result')}>
      <Stack gap="sm">
        {run.isRunning && !done.text && <WaitingNote waiting={run.waiting} />}
        {done.tokens.length > 0 ? (
          <TokenView tokens={done.tokens} />
        ) : (
          done.text && (
            <div className={classes.answer}>
              {prompt}
              <mark className={classes.mark}>{done.text}</mark>
            </div>
          )
        )}
        <ProblemAlert error={run.error} />
        {!run.isRunning && (
          <Group justify="space-between">
            <Text size="xs" c="dimmed">
              {numbers.join(' · ')}
            </Text>
            {done.text && <CopyIcon value={done.text} label={t('play.chat.copy')} />}
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

function useCompletion() {
  const [done, setDone] = useState<Completed>(NOTHING);
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [prompt, setPrompt] = useState('');
  const [abort, setAbort] = useState<AbortController | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const begin = async (body: { prompt: string } & Record<string, unknown>) => {
    const controller = new AbortController();
    running.current = controller;
    setAbort(controller);
    setPrompt(body.prompt);
    setDone(NOTHING);
    setError(null);
    setWaiting(null);
    const began = performance.now();
    const now = () => (performance.now() - began) / 1000;
    let text = NOTHING;
    let told = 0;
    const finish = (why: string) => {
      text = { ...text, finish: text.finish ?? why, endedAfter: text.endedAfter ?? now() };
    };
    try {
      await stream<CompletionChunk>(
        '/v1/completions',
        body,
        {
          onWaiting: setWaiting,
          onChunk: (chunk) => {
            text = withChunk(text, chunk, now());
            if (performance.now() - told < TELL_MS) return;
            told = performance.now();
            setDone(text);
          },
        },
        controller.signal,
      );
    } catch (problem) {
      if (!controller.signal.aborted) setError(problem);
      finish(controller.signal.aborted ? 'stopped' : 'error');
    }
    setDone(text);
    setAbort(null);
  };
  return { done, waiting, error, prompt, isRunning: abort !== null, begin, stop: () => abort?.abort() };
}
