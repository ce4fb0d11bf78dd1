import { Box } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { PasswordForm } from '@/pages/login/PasswordForm';
import { said } from '@/ui/notify';
import { Part } from '@/ui/Part';

export function Password() {
  const { t } = useTranslation();
  return (
    <Part title={t('profile.password')} about={t('profile.passwordAbout')}>
      <Box maw={400}>
        <PasswordForm done={() => said(t('profile.passwordSet'))} />
      </Box>
    </Part>
  );
}
