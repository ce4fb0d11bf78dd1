/** Tokens on grounds that tell how likely each was. One walks through them by the arrow keys. */

import { Group, Paper, Table, Text } from '@mantine/core';
import { type KeyboardEvent, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/format/useFormat';
import { LEVELS, levelOf, type Token } from './completed';
import classes from './completion.module.css';

export function TokenView({ tokens }: { tokens: Token[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const id = useId();
  const [chosen, setChosen] = useState<number | null>(null);
  const token = chosen === null ? undefined : tokens[chosen];
  const walk = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tokens.length, End: tokens.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(tokens.length - 1, (chosen ?? -1) + step)));
  };
  const share = (probability: number) => format.percent(probability, 1);
  return (
    <>
      <div
        role="listbox"
        tabIndex={0}
        aria-label={t('play.completion.tokens')}
        aria-activedescendant={chosen === null ? undefined : `${id}-${chosen}`}
        className={classes.tokens}
        onKeyDown={walk}
      >
        {tokens.map((one, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list hears the keys
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: they only grow at the end
            key={index}
            id={`${id}-${index}`}
            role="option"
            // Half of a character is a token, too, and shows nothing.
            aria-label={one.text.trim() ? undefined : visible(one.text) || '∅'}
            aria-selected={index === chosen}
            data-level={levelOf(one.probability) ?? undefined}
            className={classes.token}
            onMouseEnter={() => setChosen(index)}
            onClick={() => setChosen(index)}
          >
            {one.text}
          </span>
        ))}
      </div>
      <Group gap="xs" aria-hidden>
        {[0, ...LEVELS].map((from, level) => (
          <span key={from} className={classes.legend} data-level={level}>
            ≥ {share(from)}
          </span>
        ))}
      </Group>
      <Paper withBorder p="xs" mih={64} role="status">
        {token ? (
          <>
            <Text size="sm">
              <code className={classes.name}>{visible(token.text)}</code>{' '}
              {token.probability === null ? t('play.completion.noProbability') : share(token.probability)}
            </Text>
            {token.others.length > 0 && (
              <Table
                withRowBorders={false}
                verticalSpacing={2}
                w="auto"
                aria-label={t('play.completion.others')}
              >
                <Table.Tbody>
                  {token.others.map((other) => (
                    <Table.Tr key={other.text}>
                      <Table.Td>
                        <code className={classes.name}>{visible(other.text)}</code>
                      </Table.Td>
                      <Table.Td ta="right">{share(other.probability)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </>
        ) : (
          <Text size="sm" c="dimmed">
            {t('play.completion.tokensHelp')}
          </Text>
        )}
      </Paper>
    </>
  );
}

/** Spaces and line ends are what one looks for. */
function visible(text: string): string {
  return text.replaceAll(' ', '␣').replaceAll('\n', '↵').replaceAll('\t', '⇥');
}
