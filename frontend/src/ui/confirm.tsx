/** Asks before something that cannot be taken back. */

import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemAlert } from './states';
import { useFocusBack } from './useFocusBack';

export function Confirm({
  opened,
  close,
  title,
  children,
  action,
  run,
}: {
  opened: boolean;
  close: () => void;
  title: string;
  children: ReactNode;
  /** what the button says */
  action: string;
  run: () => Promise<unknown>;
}) {
  const { t } = useTranslation();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const giveBack = useFocusBack(opened);
  // What went wrong the last time says nothing about this one.
  useEffect(() => {
    if (opened) setError(null);
  }, [opened]);
  const leave = () => {
    setError(null);
    close();
  };
  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await run();
      close();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      opened={opened}
      onClose={leave}
      onExitTransitionEnd={giveBack}
      // It may be asked from a side, which would lie above it.
      zIndex={300}
      title={title}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack>
        <Text component="div" size="sm">
          {children}
        </Text>
        <ProblemAlert error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={leave} data-autofocus>
            {t('common.cancel')}
          </Button>
          <Button color="red" loading={busy} onClick={() => void confirm()}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
