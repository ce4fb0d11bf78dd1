/** A form at the page's side: the table that it changes stays in sight. */

import { Button, Drawer, Group, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemAlert } from './states';
import { useFocusBack } from './useFocusBack';
import type { Submit } from './useSubmit';

type SideProps = { title: string; close: () => void; children: ReactNode; size?: string };

export function Side({ title, close, children, size = 'md' }: SideProps) {
  const { t } = useTranslation();
  useFocusBack();
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={size}
      title={title}
      closeButtonProps={{ 'aria-label': t('common.close') }}
      styles={{ title: { fontWeight: 600 } }}
    >
      {children}
    </Drawer>
  );
}

type FormProps = SideProps & {
  submit: Submit;
  /** what the button says */
  action: string;
};

export function FormDrawer({ submit, action, children, ...side }: FormProps) {
  const { t } = useTranslation();
  return (
    <Side {...side}>
      <form onSubmit={submit.send}>
        <Stack>
          {children}
          <ProblemAlert error={submit.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={side.close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={submit.busy}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Side>
  );
}
