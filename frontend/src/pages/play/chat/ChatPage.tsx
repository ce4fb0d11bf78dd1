/** Chat: one model, or several side by side, with the same words. */

import { ActionIcon, Button, Group, Menu, Stack, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconAdjustments, IconDownload, IconHistory, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { memo, useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Card } from '@/api/inference';
import { useMe } from '@/session/session';
import { Waiting } from '@/ui/states';
import { CodeModal } from '../CodeModal';
import { byReadiness } from '../kinds';
import { can } from '../parameters';
import layout from '../play.module.css';
import { modelsOf, type PlaySearch } from '../search';
import { ColumnView } from './ColumnView';
import { Composer } from './Composer';
import classes from './chat.module.css';
import {
  type Conversation,
  isEmpty,
  MOST_COLUMNS,
  newColumn,
  newConversation,
  type Settings,
} from './conversation';
import { asJson, asMarkdown, download } from './exporting';
import { History } from './History';
import { keptQuery } from './kept';
import { makeRequest, wrongs } from './request';
import { SettingsPanel } from './SettingsPanel';
import { useChat } from './useChat';

// What does not change while an answer comes is not drawn anew with each of its words.
const QuietComposer = memo(Composer);
const QuietSettings = memo(SettingsPanel);

export default function ChatPage({ cards }: { cards: Card[] }) {
  const me = useMe();
  const client = useQueryClient();
  const search: PlaySearch = useSearch({ strict: false });
  const [first, setFirst] = useState<Conversation | null>(null);
  const username = me?.username ?? '';

  // Once: what the address names, else a new one with the model that is ready soonest.
  // biome-ignore lint/correctness/useExhaustiveDependencies: later changes of the address are useChat's
  useEffect(() => {
    if (!username || first) return;
    const fresh = () => {
      const named = modelsOf(search.model).slice(0, MOST_COLUMNS);
      return newConversation(named.length ? named : [byReadiness(cards)[0]?.id ?? '']);
    };
    if (!search.conversation) {
      setFirst(fresh());
      return;
    }
    client
      .fetchQuery(keptQuery(username))
      .then((all) => all.find((one) => one.id === search.conversation))
      .catch(() => undefined)
      .then((found) => setFirst(found ?? fresh()));
  }, [username]);

  if (!first) return <Waiting />;
  return <Chat key={first.id} username={username} first={first} cards={cards} />;
}

function Chat({ username, first, cards }: { username: string; first: Conversation; cards: Card[] }) {
  const { t } = useTranslation();
  const { store, state } = useChat(username, first, cards);
  const { conversation, running } = state;
  const { columns, settings } = conversation;
  const isWide = useMediaQuery('(min-width: 62em)', true, { getInitialValueInEffect: false });
  const [side, setSide] = useState<boolean | null>(null);
  const hasSide = side ?? isWide;
  const [history, setHistory] = useState(false);
  const [code, setCode] = useState<string | null>(null);
  const byId = useMemo(() => new Map(cards.map((card) => [card.id, card])), [cards]);
  const models = JSON.stringify(columns.map((column) => column.model));
  const chosen = useMemo(
    () => (JSON.parse(models) as string[]).map((model) => byId.get(model)),
    [models, byId],
  );
  const blind = useMemo(
    () => (JSON.parse(models) as string[]).filter((model) => !can(byId.get(model), 'vision')),
    [models, byId],
  );
  const say = useCallback((text: string, images: string[]) => store.say(text, images), [store]);
  const stop = useCallback(() => store.stopAll(), [store]);
  const set = useCallback((next: Settings) => store.change((one) => ({ ...one, settings: next })), [store]);
  const isRunning = Object.keys(running).length > 0;
  const shown = columns.find((column) => column.id === code);

  const begin = () =>
    store.open(
      newConversation(
        columns.map((column) => column.model),
        settings,
      ),
    );
  const save = (kind: 'json' | 'md') => {
    const name = `chat-${new Date(conversation.changed).toISOString().slice(0, 16).replace(/[:T]/g, '-')}`;
    if (kind === 'json') download(`${name}.json`, asJson(conversation), 'application/json');
    else download(`${name}.md`, asMarkdown(conversation), 'text/markdown');
  };
  const addColumn = () => {
    const used = new Set(columns.map((column) => column.model));
    const others = byReadiness(cards).map((card) => card.id);
    const model = others.find((id) => !used.has(id)) ?? others[0] ?? '';
    store.change((one) => ({ ...one, columns: [...one.columns, newColumn(model)] }));
  };

  return (
    <Stack gap="xs">
      <Group gap="xs" justify="space-between">
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={16} />}
            onClick={begin}
            disabled={isEmpty(conversation)}
          >
            {t('play.chat.new')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconHistory size={16} />}
            onClick={() => setHistory(true)}
          >
            {t('play.history.title')}
          </Button>
          <Tooltip label={t('play.chat.addColumnHelp')}>
            <Button
              size="xs"
              variant="default"
              onClick={addColumn}
              disabled={columns.length >= MOST_COLUMNS || isRunning}
            >
              {t('play.chat.addColumn')}
            </Button>
          </Tooltip>
        </Group>
        <Group gap="xs">
          <Menu position="bottom-end" disabled={isEmpty(conversation)}>
            <Menu.Target>
              <ActionIcon
                variant="default"
                size={30}
                aria-label={t('play.chat.export')}
                disabled={isEmpty(conversation)}
              >
                <IconDownload size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => save('md')}>Markdown</Menu.Item>
              <Menu.Item onClick={() => save('json')}>JSON</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Button
            size="xs"
            variant={hasSide ? 'light' : 'default'}
            leftSection={<IconAdjustments size={16} />}
            aria-expanded={hasSide}
            onClick={() => setSide(!hasSide)}
          >
            {t('play.settings.title')}
          </Button>
        </Group>
      </Group>
      <div className={layout.layout} data-side={hasSide || undefined}>
        <Stack gap="xs" miw={0}>
          <div className={classes.columns}>
            {columns.map((column, index) => (
              <ColumnView
                key={column.id}
                column={column}
                running={running[column.id]}
                store={store}
                cards={cards}
                number={index + 1}
                isAlone={columns.length === 1}
                isLate={!isEmpty(conversation)}
                showCode={setCode}
              />
            ))}
          </div>
          <QuietComposer
            say={say}
            stop={stop}
            isRunning={isRunning}
            blind={blind}
            blocked={wrongs(settings).length ? t('play.settings.mendFirst') : ''}
          />
        </Stack>
        {hasSide && (
          <aside className={layout.side} aria-label={t('play.settings.title')}>
            <QuietSettings settings={settings} onChange={set} cards={chosen} />
          </aside>
        )}
      </div>
      <History
        username={username}
        opened={history}
        close={() => setHistory(false)}
        current={conversation.id}
        open={(one) => store.open(one)}
        onGone={begin}
      />
      <CodeModal
        call="chat"
        body={shown ? makeRequest(asSaid(shown), settings, byId.get(shown.model)) : null}
        close={() => setCode(null)}
      />
    </Stack>
  );

  /** The request that the last answer came from; of an empty column what its first would be. */
  function asSaid(column: (typeof columns)[number]) {
    const last = column.messages.at(-1);
    if (last?.role === 'assistant') return { ...column, messages: column.messages.slice(0, -1) };
    if (last) return column;
    const hello = { id: '', role: 'user' as const, text: t('play.code.hello'), images: [] };
    return { ...column, messages: [hello] };
  }
}
