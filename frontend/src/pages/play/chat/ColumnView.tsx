/** One model's side of a conversation. */

import { ActionIcon, Group, Paper, Text, Tooltip } from '@mantine/core';
import { IconCode, IconX } from '@tabler/icons-react';
import { memo, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Card } from '@/api/inference';
import { ModelPicker } from '../ModelPicker';
import type { ChatStore, Running } from './ChatStore';
import classes from './chat.module.css';
import { type Column, openCalls, showing, withColumn } from './conversation';
import { Answered, Given, Said } from './MessageView';
import { ToolResults } from './ToolResults';

type Props = {
  column: Column;
  running: Running | undefined;
  store: ChatStore;
  cards: Card[];
  number: number;
  isAlone: boolean;
  /** the others have spoken before it came */
  isLate: boolean;
  showCode: (columnId: string) => void;
};

export const ColumnView = memo(function ColumnView(props: Props) {
  const { column, running, store, cards, number, isAlone, isLate, showCode } = props;
  const { t } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const calls = running ? [] : openCalls(column);

  // What comes is followed, unless one has scrolled up to read.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about what the column shows
  useEffect(() => {
    if (isAtEnd.current) place.current?.scrollTo({ top: place.current.scrollHeight });
  }, [column.messages, running]);

  const last = column.messages.at(-1);
  return (
    <Paper withBorder className={classes.column} component="section" aria-label={column.model}>
      <Head
        {...{ store, cards, number, isAlone, showCode }}
        id={column.id}
        model={column.model}
        isRunning={running !== undefined}
      />
      <div
        ref={place}
        className={classes.messages}
        role="log"
        aria-live="off"
        aria-label={t('play.chat.messagesOf', { model: column.model })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys, too
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
        }}
      >
        {column.messages.length === 0 && (
          <Text size="sm" c="dimmed" ta="center" py="xl">
            {t(isLate ? 'play.chat.late' : 'play.chat.empty')}
          </Text>
        )}
        {column.messages.map((message) => {
          if (message.role === 'user')
            return (
              <Said
                key={message.id}
                message={message}
                change={running ? undefined : (id, text) => void store.sayOtherwise(id, text)}
              />
            );
          if (message.role === 'tool') return <Given key={message.id} message={message} />;
          const isLast = message === last;
          return (
            <Answered
              key={message.id}
              message={message}
              running={isLast ? running : undefined}
              again={running || !isLast ? undefined : (id) => store.again(column.id, id)}
              show={(id, shown) =>
                store.change((conversation) =>
                  withColumn(conversation, column.id, (one) => showing(one, id, shown)),
                )
              }
            />
          );
        })}
        {calls.length > 0 && (
          <ToolResults calls={calls} give={(results) => store.result(column.id, results)} />
        )}
      </div>
    </Paper>
  );
});

type HeadProps = Omit<Props, 'column' | 'running' | 'isLate'> & {
  id: string;
  model: string;
  isRunning: boolean;
};

/** By itself: it stays as it is while an answer comes. */
const Head = memo(function Head(props: HeadProps) {
  const { id, model, isRunning, store, cards, number, isAlone, showCode } = props;
  const { t } = useTranslation();
  return (
    <Group p="xs" gap={4} wrap="nowrap" className={classes.head}>
      <ModelPicker
        cards={cards}
        value={model}
        onChange={(chosen) =>
          store.change((conversation) => withColumn(conversation, id, (one) => ({ ...one, model: chosen })))
        }
        label={t('play.chat.modelNumber', { number })}
        disabled={isRunning}
      />
      <Tooltip label={t('play.code.view')}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('play.code.viewOf', { model })}
          onClick={() => showCode(id)}
        >
          <IconCode size={18} />
        </ActionIcon>
      </Tooltip>
      {!isAlone && (
        <Tooltip label={t('play.chat.removeColumn')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('play.chat.removeColumnOf', { model })}
            onClick={() =>
              store.change((conversation) => ({
                ...conversation,
                columns: conversation.columns.filter((one) => one.id !== id),
              }))
            }
          >
            <IconX size={18} />
          </ActionIcon>
        </Tooltip>
      )}
    </Group>
  );
});
