import { Alert, Button, Group, Table, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconCoin, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Price } from '@/api/schema';
import { pricesQuery, settingsQuery, useChangePrice, useDeletePrice, useMakePrice } from '@/api/settings';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { FormDrawer } from '@/ui/FormDrawer';
import { RowMenu } from '@/ui/RowMenu';
import { Empty, Loaded } from '@/ui/states';
import { useSubmit } from '@/ui/useSubmit';

const PARTS = ['input', 'cached', 'output', 'request'] as const;

export function Prices() {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const prices = useQuery(pricesQuery);
  const settings = useQuery(settingsQuery);
  const remove = useDeletePrice();
  const [editing, setEditing] = useState<Price | 'new' | null>(null);
  const [removing, setRemoving] = useState<Price | null>(null);
  const currency = String(settings.data?.find((one) => one.name === 'currency')?.value ?? '');
  const add = may('prices.write') && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
      {t('settings.newPrice')}
    </Button>
  );
  return (
    <>
      <Loaded
        query={prices}
        isEmpty={(all) => !all.length}
        empty={
          <Empty icon={<IconCoin size={26} />} title={t('settings.noPrices')} action={add}>
            {t('settings.pricesAbout')}
          </Empty>
        }
      >
        {(all) => (
          <>
            <Group justify="space-between" mb="sm">
              <Alert variant="light" flex={1}>
                {t('settings.pricesAbout')}
              </Alert>
              {add}
            </Group>
            <Table.ScrollContainer minWidth={620}>
              <Table aria-label={t('settings.parts.prices')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('limits.models')}</Table.Th>
                    {PARTS.map((part) => (
                      <Table.Th key={part} ta="right">
                        {t(`settings.prices.${part}`)}
                      </Table.Th>
                    ))}
                    <Table.Th w={80}>{t('common.more')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {all.map((price) => (
                    <Table.Tr key={price.id}>
                      <Table.Th scope="row">{price.model}</Table.Th>
                      {PARTS.map((part) => (
                        <Table.Td key={part} ta="right">
                          {format.money(Number(price[part]), currency)}
                        </Table.Td>
                      ))}
                      <Table.Td>
                        {may('prices.write') && (
                          <RowMenu
                            label={t('settings.actions', { name: price.model })}
                            actions={[
                              { name: t('common.edit'), run: () => setEditing(price) },
                              { name: t('common.remove'), run: () => setRemoving(price), grave: true },
                            ]}
                          />
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </>
        )}
      </Loaded>
      {editing && <PriceForm price={editing === 'new' ? null : editing} close={() => setEditing(null)} />}
      <Confirm
        opened={!!removing}
        close={() => setRemoving(null)}
        title={t('settings.removePrice', { name: removing?.model ?? '' })}
        action={t('common.remove')}
        run={async () => removing && remove.mutateAsync(removing.id)}
      >
        {t('settings.removePriceHelp')}
      </Confirm>
    </>
  );
}

function PriceForm({ price, close }: { price: Price | null; close: () => void }) {
  const { t } = useTranslation();
  const make = useMakePrice();
  const change = useChangePrice();
  const form = useForm({
    initialValues: {
      model: price?.model ?? '',
      input: price?.input ?? '0',
      cached: price?.cached ?? '0',
      output: price?.output ?? '0',
      request: price?.request ?? '0',
    },
    validate: Object.fromEntries(
      PARTS.map((part) => [
        part,
        (value: string) => (/^\d+([.]\d+)?$/.test(value.trim()) ? null : t('settings.priceNeeded')),
      ]),
    ),
  });
  const submit = useSubmit(form, async (values) => {
    if (price) await change.mutateAsync({ ...values, id: price.id });
    else await make.mutateAsync(values);
    close();
  });
  return (
    <FormDrawer
      title={price ? price.model : t('settings.newPrice')}
      close={close}
      submit={submit}
      action={t('common.save')}
    >
      {!price && (
        <TextInput
          label={t('limits.models')}
          description={t('settings.priceModelHelp')}
          required
          data-autofocus
          {...form.getInputProps('model')}
        />
      )}
      {PARTS.map((part) => (
        <TextInput
          key={part}
          label={t(`settings.prices.${part}`)}
          description={t(`settings.priceHelp.${part}`)}
          inputMode="decimal"
          required
          {...form.getInputProps(part)}
        />
      ))}
    </FormDrawer>
  );
}
