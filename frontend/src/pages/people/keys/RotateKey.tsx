import { Select, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRotateKey } from '@/api/keys';
import type { CreatedKey, Key } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { FormDrawer, Side } from '@/ui/FormDrawer';
import { useSubmit } from '@/ui/useSubmit';
import { ShownOnce } from './ShownOnce';

const OVERLAPS = [0, 3600, 86_400, 7 * 86_400, 30 * 86_400];

export function RotateKey({ row, close }: { row: Key; close: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rotate = useRotateKey();
  const [made, setMade] = useState<CreatedKey | null>(null);
  const form = useForm({ initialValues: { overlap_seconds: String(86_400) } });
  const submit = useSubmit(form, async (values) =>
    setMade(await rotate.mutateAsync({ id: row.id, overlap: Number(values.overlap_seconds) })),
  );
  if (made)
    return (
      <Side title={t('keys.madeTitle')} close={close} size="lg">
        <ShownOnce made={made} done={close} />
      </Side>
    );
  return (
    <FormDrawer
      title={t('keys.rotateTitle', { name: row.name })}
      close={close}
      submit={submit}
      action={t('keys.rotate')}
    >
      <Text size="sm">{t('keys.rotateHelp')}</Text>
      <Select
        label={t('keys.overlap')}
        data={OVERLAPS.map((seconds) => ({
          value: String(seconds),
          label: seconds ? format.seconds(seconds) : t('keys.atOnce'),
        }))}
        allowDeselect={false}
        {...form.getInputProps('overlap_seconds')}
      />
    </FormDrawer>
  );
}
