/** Text to be copied: a command, an id, a key. */

import { ActionIcon, Code, CopyButton, Group } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

export function CopyIcon({ value, label }: { value: string; label?: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => {
        const says = copied ? t('common.copied') : (label ?? t('common.copy'));
        return (
          <ActionIcon
            variant="subtle"
            color={copied ? 'teal' : 'gray'}
            onClick={copy}
            aria-label={says}
            title={says}
          >
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        );
      }}
    </CopyButton>
  );
}

export function CopyBlock({ text, label }: { text: string; label?: string }) {
  return (
    <Group gap={4} align="flex-start" wrap="nowrap">
      <Code block flex={1} miw={0} tabIndex={0} aria-label={label}>
        {text}
      </Code>
      <CopyIcon value={text} />
    </Group>
  );
}
