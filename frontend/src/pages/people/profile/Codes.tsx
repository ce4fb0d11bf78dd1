import { Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CopyBlock } from '@/ui/Copy';
import { Side } from '@/ui/FormDrawer';

/** Shown once; each lets one in when the phone is gone. */
export function Codes({ codes, close }: { codes: readonly string[]; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Side title={t('profile.codes')} close={close}>
      <Stack>
        <Text size="sm">{t('login.recoveryCodes')}</Text>
        <CopyBlock text={codes.join('\n')} label={t('profile.codes')} />
        <Group justify="flex-end">
          <Button onClick={close}>{t('login.kept')}</Button>
        </Group>
      </Stack>
    </Side>
  );
}
