/** One message of a column: what was said, what a model answered, what a tool gave back. */

import {
  ActionIcon,
  Button,
  Code,
  Collapse,
  Group,
  Loader,
  Paper,
  Stack,
  Text,
  Textarea,
  Tooltip,
  UnstyledButton,
} from '@mantine/core';
import {
  IconChevronDown,
  IconChevronLeft,
  IconChevronRight,
  IconPencil,
  IconRefresh,
} from '@tabler/icons-react';
import { lazy, memo, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import { CopyIcon } from '@/ui/Copy';
import { ProblemAlert } from '@/ui/states';
import { CodeText } from '../CodeText';
import { WaitingNote } from '../WaitingNote';
import { tokensPerSecond } from './answer';
import type { Running } from './ChatStore';
import classes from './chat.module.css';
import {
  type Answer,
  type ModelMessage,
  shownAnswer,
  type ToolMessage,
  type UserMessage,
} from './conversation';

const Markdown = lazy(() => import('../Markdown'));

export const Said = memo(function Said({
  message,
  change,
}: {
  message: UserMessage;
  /** absent: not now */
  change?: (id: string, text: string) => void;
}) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<string | null>(null);
  const save = () => {
    if (draft?.trim()) change?.(message.id, draft.trim());
    setDraft(null);
  };
  return (
    <Paper className={classes.said} p="xs" radius="md" bg="var(--said)">
      {message.images.length > 0 && (
        <Group gap="xs" mb={message.text ? 'xs' : 0}>
          {message.images.map((url, index) => (
            <img
              // biome-ignore lint/suspicious/noArrayIndexKey: they never change places
              key={index}
              src={url}
              alt={t('play.images.number', { number: index + 1 })}
              className={classes.image}
            />
          ))}
        </Group>
      )}
      {draft === null ? (
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs">
          <Text size="sm" className={classes.plain}>
            {message.text}
          </Text>
          {change && (
            <Tooltip label={t('play.chat.edit')}>
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={t('play.chat.edit')}
                onClick={() => setDraft(message.text)}
              >
                <IconPencil size={15} />
              </ActionIcon>
            </Tooltip>
          )}
        </Group>
      ) : (
        <Stack gap="xs">
          <Textarea
            aria-label={t('play.chat.edit')}
            description={t('play.chat.editHelp')}
            value={draft}
            onChange={(event) => setDraft(event.currentTarget.value)}
            onKeyDown={(event) => event.key === 'Escape' && setDraft(null)}
            autosize
            maxRows={10}
            data-autofocus
            autoFocus
          />
          <Group gap="xs" justify="flex-end">
            <Button size="compact-sm" variant="default" onClick={() => setDraft(null)}>
              {t('common.cancel')}
            </Button>
            <Button size="compact-sm" onClick={save} disabled={!draft.trim()}>
              {t('play.send')}
            </Button>
          </Group>
        </Stack>
      )}
    </Paper>
  );
});

export const Given = memo(function Given({ message }: { message: ToolMessage }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <Text size="xs" c="dimmed">
        {t('play.tools.gave', { name: message.name })}
      </Text>
      <Code block className={classes.scrolled} tabIndex={0}>
        {message.text}
      </Code>
    </Stack>
  );
});

type AnsweredProps = {
  message: ModelMessage;
  /** it is still coming */
  running?: Running;
  /** absent: not now */
  again?: (id: string) => void;
  show: (id: string, answer: number) => void;
};

export const Answered = memo(function Answered({ message, running, again, show }: AnsweredProps) {
  const { t } = useTranslation();
  const answer = shownAnswer(message);
  const isComing = running !== undefined;
  const hasBegun = answer.text !== '' || answer.reasoning !== '' || answer.calls.length > 0;
  return (
    <Stack gap="xs" className={classes.answer}>
      {answer.reasoning && <Reasoning answer={answer} isComing={isComing} />}
      {answer.text && answer.isJson && <CodeText text={pretty(answer.text)} label="JSON" />}
      {answer.text && !answer.isJson && (
        <Suspense
          fallback={
            <Text size="sm" className={classes.plain}>
              {answer.text}
            </Text>
          }
        >
          <Markdown text={answer.text} />
        </Suspense>
      )}
      {answer.calls.map((call) => (
        <Paper key={call.id} withBorder p="xs">
          <Text size="xs" c="dimmed">
            {t('play.tools.called')}
          </Text>
          <Text size="sm" fw={600} ff="monospace">
            {call.name}
          </Text>
          <Code block className={classes.scrolled} tabIndex={0}>
            {pretty(call.arguments)}
          </Code>
        </Paper>
      ))}
      {isComing && !hasBegun && <WaitingNote waiting={running.waiting} />}
      {isComing && hasBegun && (
        <Loader type="dots" size="xs" role="status" aria-label={t('play.chat.coming')} />
      )}
      <ProblemAlert error={answer.error} retry={again && (() => again(message.id))} />
      {!isComing && (
        <Group gap={4} justify="space-between" wrap="nowrap" align="flex-start">
          <Numbers answer={answer} />
          <Group gap={2} wrap="nowrap">
            {message.answers.length > 1 && <Choice message={message} show={show} />}
            {answer.text && <CopyIcon value={answer.text} label={t('play.chat.copy')} />}
            {again && (
              <Tooltip label={t('play.chat.again')}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={t('play.chat.again')}
                  onClick={() => again(message.id)}
                >
                  <IconRefresh size={16} />
                </ActionIcon>
              </Tooltip>
            )}
          </Group>
        </Group>
      )}
    </Stack>
  );
});

function Reasoning({ answer, isComing }: { answer: Answer; isComing: boolean }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const isThinking = isComing && !answer.text;
  return (
    <div>
      <UnstyledButton onClick={() => setOpened(!opened)} aria-expanded={opened}>
        <Group gap={4}>
          <IconChevronDown size={14} className={classes.fold} data-open={opened} />
          <Text size="xs" c="dimmed">
            {isThinking ? t('play.chat.thinking') : t('play.chat.thoughts')}
          </Text>
        </Group>
      </UnstyledButton>
      <Collapse expanded={opened}>
        <Text size="sm" c="dimmed" className={`${classes.plain} ${classes.thoughts}`}>
          {answer.reasoning}
        </Text>
      </Collapse>
    </div>
  );
}

function Numbers({ answer }: { answer: Answer }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rate = tokensPerSecond(answer);
  const parts: string[] = [];
  if (answer.usage) {
    const { prompt, completion } = answer.usage;
    parts.push(t('play.numbers.tokens', { in: format.count(prompt), out: format.count(completion) }));
  }
  if (answer.firstAfter !== null)
    parts.push(t('play.numbers.first', { time: format.seconds(answer.firstAfter) }));
  if (rate !== null) parts.push(t('play.numbers.rate', { rate: format.count(rate) }));
  if (answer.endedAfter !== null && answer.firstAfter !== null)
    parts.push(t('play.numbers.whole', { time: format.seconds(answer.endedAfter) }));
  if (answer.finish === 'length') parts.push(t('play.finish.length'));
  if (answer.finish === 'stopped') parts.push(t('play.finish.stopped'));
  if (answer.finish === 'content_filter') parts.push(t('play.finish.filtered'));
  return (
    <Text size="xs" c="dimmed">
      {parts.join(' · ')}
    </Text>
  );
}

function Choice({ message, show }: { message: ModelMessage; show: (id: string, answer: number) => void }) {
  const { t } = useTranslation();
  const { answers, shown, id } = message;
  return (
    <Group gap={0} wrap="nowrap">
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={t('play.chat.before')}
        disabled={shown === 0}
        onClick={() => show(id, shown - 1)}
      >
        <IconChevronLeft size={14} />
      </ActionIcon>
      <Text size="xs" c="dimmed">
        {shown + 1}/{answers.length}
      </Text>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={t('play.chat.after')}
        disabled={shown === answers.length - 1}
        onClick={() => show(id, shown + 1)}
      >
        <IconChevronRight size={14} />
      </ActionIcon>
    </Group>
  );
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
