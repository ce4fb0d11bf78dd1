/** The same draft as text. What is typed here counts at once, as soon as it can be read. */

import { Group, SegmentedControl, Stack, Textarea, Title } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyIcon } from '@/ui/Copy';
import { message } from '@/ui/problems';
import { type Draft, NoObject, type Notation, understood, written } from './draft';

type Props = {
  draft: Draft;
  change: (draft: Draft) => void;
  /** whether the text is one */
  tell: (isText: boolean) => void;
};

export function TextSide({ draft, change, tell }: Props) {
  const { t } = useTranslation();
  const [notation, setNotation] = useState<Notation>('json');
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  /** the draft that this side made: its text stays as it was typed */
  const own = useRef<Draft | null>(null);
  const latest = useRef('');

  useEffect(() => {
    if (draft === own.current) return;
    let isOld = false;
    void written(draft, notation).then((fresh) => {
      if (isOld) return;
      latest.current = fresh;
      setText(fresh);
      setProblem('');
      tell(true);
    });
    return () => {
      isOld = true;
    };
  }, [draft, notation, tell]);

  const type = async (typed: string) => {
    latest.current = typed;
    setText(typed);
    try {
      const read = await understood(typed, notation);
      if (latest.current !== typed) return;
      own.current = read;
      change(read);
      setProblem('');
      tell(true);
    } catch (error) {
      if (latest.current !== typed) return;
      setProblem(error instanceof NoObject ? t('models.register.noObject') : message(error));
      tell(false);
    }
  };
  const turn = (other: string) => {
    own.current = null;
    setNotation(other as Notation);
  };
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h5">
          {t('models.register.asText')}
        </Title>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label={t('models.register.notation')}
            value={notation}
            onChange={turn}
            disabled={problem !== ''}
            data={[
              { value: 'json', label: 'JSON' },
              { value: 'yaml', label: 'YAML' },
            ]}
          />
          <CopyIcon value={text} />
        </Group>
      </Group>
      <Textarea
        aria-label={t('models.register.asText')}
        value={text}
        onChange={(event) => void type(event.currentTarget.value)}
        error={problem || undefined}
        autosize
        minRows={18}
        maxRows={40}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
      />
    </Stack>
  );
}
