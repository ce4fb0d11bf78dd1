/** Text to be copied: a command, an id, a key. */

import { ActionIcon, Code, Group } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { copyText } from './copyText';
import { wentWrong } from './notify';

/** So long its mark says that it was copied. */
const MARKED_MS = 1500;

export function CopyIcon({ value, label }: { value: string; label?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), MARKED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    if (await copyText(value)) setCopied(true);
    else wentWrong(new Error(t('common.copyFailed')));
  };
  const says = copied ? t('common.copied') : (label ?? t('common.copy'));
  return (
    <ActionIcon
      variant="subtle"
      color={copied ? 'teal' : 'gray'}
      onClick={() => void copy()}
      aria-label={says}
      title={says}
    >
      {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
    </ActionIcon>
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
