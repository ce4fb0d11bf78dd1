/** A machine's labels, by which models choose their place. */

import { Button, Group, Pill, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChangeNode } from '@/api/nodes';
import type { Node } from '@/api/schema';
import { message } from '@/ui/problems';
import { readLabel } from './readLabel';

export function Labels({ node, mayChange }: { node: Node; mayChange: boolean }) {
  const { t } = useTranslation();
  const change = useChangeNode(node.name);
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const entries = Object.entries(node.labels).sort(([a], [b]) => a.localeCompare(b));
  const add = (event: FormEvent) => {
    event.preventDefault();
    const label = readLabel(text);
    setWrong(label === null);
    if (!label) return;
    change.mutate({ do: 'label', labels: { [label.name]: label.value } }, { onSuccess: () => setText('') });
  };
  return (
    <Stack gap="xs">
      {entries.length ? (
        <Group gap={6} component="ul" m={0} p={0}>
          {entries.map(([name, value]) => (
            <Pill
              key={name}
              component="li"
              size="md"
              withRemoveButton={mayChange}
              disabled={change.isPending}
              onRemove={() => change.mutate({ do: 'label', labels: { [name]: null } })}
              removeButtonProps={{
                'aria-label': t('nodes.label.remove', { name }),
                'aria-hidden': false,
                tabIndex: 0,
              }}
            >
              {value ? `${name}=${value}` : name}
            </Pill>
          ))}
        </Group>
      ) : (
        <Text size="sm" c="dimmed">
          {t('nodes.label.none')}
        </Text>
      )}
      {mayChange && (
        <form onSubmit={add}>
          <Group gap="xs" align="flex-start">
            <TextInput
              size="xs"
              aria-label={t('nodes.label.new')}
              placeholder="zone=a"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              error={wrong ? t('nodes.label.shape') : change.error && message(change.error)}
            />
            <Button size="xs" variant="light" type="submit" loading={change.isPending}>
              {t('common.add')}
            </Button>
          </Group>
        </form>
      )}
    </Stack>
  );
}
