/** A password that an administrator set is good for one login: then its owner chooses one. */

import { Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { PasswordForm } from './PasswordForm';

export function NewPassword({ done }: { done: () => Promise<void> }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Text size="sm">{t('login.choosePassword')}</Text>
      <PasswordForm done={done} />
    </Stack>
  );
}
