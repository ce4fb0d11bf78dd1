/** The very request as a command and as a program. */

import { Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CodeText } from './CodeText';
import { type Call, curl, python, shortened } from './code';

type Props = {
  call: Call;
  /** null: closed */
  body: Record<string, unknown> | null;
  close: () => void;
};

export function CodeModal({ call, body, close }: Props) {
  const { t } = useTranslation();
  const [language, setLanguage] = useState('curl');
  const write = language === 'curl' ? curl : python;
  const code = body ? write(call, body, location.origin) : '';
  return (
    <Modal
      opened={body !== null}
      onClose={close}
      title={t('play.code.title')}
      size="xl"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack>
        <SegmentedControl
          value={language}
          onChange={setLanguage}
          data={[
            { value: 'curl', label: 'curl' },
            { value: 'python', label: 'Python' },
          ]}
          aria-label={t('play.code.language')}
        />
        <CodeText text={code} shown={shortened(code)} label={t('play.code.title')} />
        <Text size="sm" c="dimmed">
          {t('play.code.help')}
        </Text>
      </Stack>
    </Modal>
  );
}
