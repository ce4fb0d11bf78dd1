/** How many replicas there are at least and at most. */

import { Button, Group, Modal, NumberInput, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/errors';
import type { BoundsRequest, Launch } from '@/api/schema';
import { message } from '@/ui/problems';
import { ProblemAlert } from '@/ui/states';
import { useFocusBack } from '@/ui/useFocusBack';

type Props = {
  launches: readonly Launch[];
  close: () => void;
  run: (bounds: BoundsRequest) => Promise<unknown>;
};

export function ScaleDialog({ launches, close, run }: Props) {
  const { t } = useTranslation();
  useFocusBack();
  const first = launches[0];
  const [least, setLeast] = useState<number | string>(first?.min_replicas ?? 1);
  const [most, setMost] = useState<number | string>(first?.max_replicas ?? 1);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const param = error instanceof ApiError ? error.param : null;
  const text = error ? message(error) : null;
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      await run({ min_replicas: Number(least), max_replicas: Math.max(Number(most), 1) });
      close();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      opened
      onClose={close}
      title={t('running.ask.scale', {
        count: launches.length,
        names: launches.map((one) => one.uid).join(', '),
      })}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack>
          <Text size="sm">{t('running.ask.scaleHelp')}</Text>
          <Group grow align="flex-start">
            <NumberInput
              label={t('launch.replicas.least')}
              min={0}
              allowDecimal={false}
              value={least}
              onChange={setLeast}
              error={param === 'min_replicas' ? text : undefined}
              data-autofocus
            />
            <NumberInput
              label={t('launch.replicas.most')}
              min={1}
              allowDecimal={false}
              value={most}
              onChange={setMost}
              error={param === 'max_replicas' ? text : undefined}
            />
          </Group>
          {param !== 'min_replicas' && param !== 'max_replicas' && <ProblemAlert error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={busy} disabled={least === '' || most === ''}>
              {t('running.do.scale')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
