/** Embeddings: texts as vectors, and how alike each two of them are. */

import {
  ActionIcon,
  Button,
  Group,
  NumberInput,
  Paper,
  Stack,
  Table,
  Text,
  Textarea,
  Tooltip,
} from '@mantine/core';
import { IconCode, IconDownload, IconPlus, IconSparkles, IconX } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Card, embed } from '@/api/inference';
import { useFormat } from '@/format/useFormat';
import { ProblemAlert } from '@/ui/states';
import { CodeModal } from '../CodeModal';
import { download } from '../chat/exporting';
import { byReadiness } from '../kinds';
import { ModelPicker } from '../ModelPicker';
import { honours } from '../parameters';
import { modelsOf, type PlaySearch } from '../search';
import { WaitingNote } from '../WaitingNote';
import classes from './embedding.module.css';
import { closest, level, matrix } from './similarity';

const MOST_TEXTS = 16;

type Given = { texts: string[]; vectors: number[][]; tokens: number; seconds: number; model: string };

export default function EmbeddingPage({ cards }: { cards: Card[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search: PlaySearch = useSearch({ strict: false });
  const model = modelsOf(search.model)[0] ?? byReadiness(cards)[0]?.id ?? '';
  const card = cards.find((one) => one.id === model);
  const [texts, setTexts] = useState(() => [
    t('play.embedding.example1'),
    t('play.embedding.example2'),
    t('play.embedding.example3'),
  ]);
  const [dimensions, setDimensions] = useState<number | ''>('');
  const [shownCode, setShownCode] = useState(false);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  const used = texts.map((text) => text.trim()).filter(Boolean);
  const canCut = honours(card, 'dimensions');
  const body = { model, input: used, ...(canCut && dimensions !== '' ? { dimensions } : {}) };
  const run = useMutation({
    mutationFn: async (): Promise<Given> => {
      abort.current = new AbortController();
      const began = performance.now();
      const answer = await embed(body, abort.current.signal);
      return {
        texts: used,
        // Floats are what is asked for; only `encoding_format: base64` gives texts.
        vectors: answer.data.map((one) => (Array.isArray(one.embedding) ? one.embedding : [])),
        tokens: answer.usage?.prompt_tokens ?? 0,
        seconds: (performance.now() - began) / 1000,
        model,
      };
    },
  });
  const put = (index: number, text: string) => setTexts(texts.with(index, text));

  return (
    <Stack>
      <Group gap="xs" align="flex-start">
        <ModelPicker
          cards={cards}
          value={model}
          onChange={(name) =>
            void navigate({
              to: '/play/$what',
              params: { what: 'embedding' },
              search: { model: name },
              replace: true,
            })
          }
          label={t('play.model')}
          disabled={run.isPending}
        />
        {canCut && (
          <NumberInput
            aria-label={t('play.embedding.dimensions')}
            placeholder={t('play.embedding.allDimensions')}
            value={dimensions}
            onChange={(value) => setDimensions(value === '' ? '' : Number(value))}
            min={1}
            allowDecimal={false}
            w={170}
          />
        )}
        <Button variant="default" leftSection={<IconCode size={16} />} onClick={() => setShownCode(true)}>
          {t('play.code.view')}
        </Button>
      </Group>
      <Stack gap="xs" component="fieldset" className={classes.texts}>
        <Text component="legend" size="sm" fw={600}>
          {t('play.embedding.texts')}
        </Text>
        {texts.map((text, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a text is its place
          <Group key={index} gap="xs" wrap="nowrap" align="flex-start">
            <Textarea
              flex={1}
              aria-label={t('play.embedding.text', { number: index + 1 })}
              value={text}
              onChange={(event) => put(index, event.currentTarget.value)}
              autosize
              maxRows={6}
            />
            <Tooltip label={t('common.remove')}>
              <ActionIcon
                variant="subtle"
                color="gray"
                size={36}
                disabled={texts.length <= 1}
                aria-label={t('play.embedding.remove', { number: index + 1 })}
                onClick={() => setTexts(texts.toSpliced(index, 1))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Tooltip>
          </Group>
        ))}
        <Group justify="space-between">
          <Button
            variant="subtle"
            leftSection={<IconPlus size={16} />}
            disabled={texts.length >= MOST_TEXTS}
            onClick={() => setTexts([...texts, ''])}
          >
            {t('play.embedding.add')}
          </Button>
          <Button
            leftSection={<IconSparkles size={16} />}
            disabled={!used.length || !card}
            loading={run.isPending}
            onClick={() => run.mutate()}
          >
            {t('play.embedding.run')}
          </Button>
        </Group>
      </Stack>
      {run.isPending && <WaitingNote waiting={null} />}
      <ProblemAlert error={run.error} />
      {run.data && <Similarity given={run.data} />}
      <CodeModal call="embedding" body={shownCode ? body : null} close={() => setShownCode(false)} />
    </Stack>
  );
}

function Similarity({ given }: { given: Given }) {
  const { t } = useTranslation();
  const format = useFormat();
  const all = matrix(given.vectors);
  const between = all.flatMap((row, at) => row.filter((_, other) => other !== at));
  const [least, most] = [Math.min(...between), Math.max(...between)];
  const pair = closest(all);
  const pairValue = pair && all[pair[0]]?.[pair[1]];
  const numbers = [
    t('play.embedding.length', { length: format.count(given.vectors[0]?.length) }),
    t('play.embedding.tokens', { tokens: format.count(given.tokens) }),
    t('play.numbers.whole', { time: format.seconds(given.seconds) }),
  ];
  return (
    <Paper withBorder p="sm" component="section" aria-label={t('play.embedding.similarity')}>
      <Group justify="space-between" mb="xs">
        <Text size="sm" c="dimmed">
          {numbers.join(' · ')}
        </Text>
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconDownload size={16} />}
          onClick={() =>
            download(
              `${given.model}.json`,
              JSON.stringify(given.texts.map((text, at) => ({ text, embedding: given.vectors[at] }))),
              'application/json',
            )
          }
        >
          {t('play.embedding.download')}
        </Button>
      </Group>
      {pair && typeof pairValue === 'number' && (
        <Text size="sm" mb="xs">
          {t('play.embedding.closest', {
            one: pair[0] + 1,
            other: pair[1] + 1,
            value: format.fixed(pairValue, 3),
          })}
        </Text>
      )}
      <Table.ScrollContainer
        minWidth={120 + given.texts.length * 64}
        scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}
      >
        <Table withTableBorder withColumnBorders className={classes.matrix}>
          <Table.Caption>{t('play.embedding.caption')}</Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t('play.embedding.column')}</Table.Th>
              {given.texts.map((text, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a text is its place
                <Table.Th key={at} scope="col" title={text} ta="right">
                  {at + 1}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {all.map((row, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a text is its place
              <Table.Tr key={at}>
                <Table.Th scope="row" className={classes.text} title={given.texts[at]}>
                  {at + 1}. {given.texts[at]}
                </Table.Th>
                {row.map((value, other) => (
                  <Table.Td
                    // biome-ignore lint/suspicious/noArrayIndexKey: a text is its place
                    key={other}
                    ta="right"
                    data-level={other === at ? undefined : level(value, least, most)}
                  >
                    {format.fixed(value, 3)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
