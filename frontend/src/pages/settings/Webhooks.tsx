import { Badge, Button, Group, Stack, Switch, Table, TagsInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus, IconWebhook } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Webhook } from '@/api/schema';
import {
  useChangeWebhook,
  useDeleteWebhook,
  useMakeWebhook,
  useNewWebhookSecret,
  useTestWebhook,
  webhooksQuery,
} from '@/api/settings';
import { Ago } from '@/ui/Ago';
import { CopyBlock } from '@/ui/Copy';
import { Confirm } from '@/ui/confirm';
import { FormDrawer, Side } from '@/ui/FormDrawer';
import { said, wentWrong } from '@/ui/notify';
import { RowMenu } from '@/ui/RowMenu';
import { Empty, Loaded } from '@/ui/states';
import { useSubmit } from '@/ui/useSubmit';
import { changed } from './changed';

const COLORS: Record<Webhook['state'], string> = { up_to_date: 'teal', waiting: 'orange', silent: 'gray' };

export function Webhooks() {
  const { t } = useTranslation();
  const hooks = useQuery({ ...webhooksQuery, refetchInterval: 10_000 });
  const test = useTestWebhook();
  const change = useChangeWebhook();
  const remove = useDeleteWebhook();
  const renew = useNewWebhookSecret();
  const [editing, setEditing] = useState<Webhook | 'new' | null>(null);
  const [asking, setAsking] = useState<{ hook: Webhook; what: 'remove' | 'secret' } | null>(null);
  const [secret, setSecret] = useState('');
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
      {t('settings.newWebhook')}
    </Button>
  );
  const tryIt = (hook: Webhook) =>
    test.mutate(hook.id, {
      onSuccess: (now) =>
        now.last_error
          ? wentWrong(new Error(now.last_error))
          : said(t('settings.testSaid', { status: now.last_status ?? '' })),
      onError: wentWrong,
    });
  const turn = (hook: Webhook) =>
    change.mutate({ id: hook.id, active: !hook.active }, { onError: wentWrong });
  return (
    <>
      <Loaded
        query={hooks}
        isEmpty={(all) => !all.length}
        empty={
          <Empty icon={<IconWebhook size={26} />} title={t('settings.noWebhooks')} action={add}>
            {t('settings.webhooksAbout')}
          </Empty>
        }
      >
        {(all) => (
          <>
            <Group justify="flex-end" mb="sm">
              {add}
            </Group>
            <Table.ScrollContainer minWidth={760}>
              <Table aria-label={t('settings.parts.webhooks')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('common.name')}</Table.Th>
                    <Table.Th>{t('common.state')}</Table.Th>
                    <Table.Th>{t('settings.events')}</Table.Th>
                    <Table.Th>{t('settings.lastCall')}</Table.Th>
                    <Table.Th w={80}>{t('common.more')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {all.map((hook) => (
                    <Table.Tr key={hook.id}>
                      <Table.Td>
                        <Text size="sm" fw={600}>
                          {hook.name}
                        </Text>
                        <Text size="xs" c="dimmed">
                          {hook.url}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <Badge variant="light" tt="none" color={COLORS[hook.state]}>
                          {t(`settings.hookStates.${hook.state}`)}
                        </Badge>
                      </Table.Td>
                      <Table.Td>{hook.kinds.length ? hook.kinds.join(', ') : t('common.all')}</Table.Td>
                      <Table.Td>
                        <Deliveries hook={hook} />
                      </Table.Td>
                      <Table.Td>
                        <RowMenu
                          label={t('settings.actions', { name: hook.name })}
                          actions={[
                            { name: t('settings.test'), run: () => tryIt(hook) },
                            { name: t('common.edit'), run: () => setEditing(hook) },
                            {
                              name: t(hook.active ? 'settings.switchOff' : 'settings.switchOn'),
                              run: () => turn(hook),
                            },
                            {
                              name: t('settings.newSecret'),
                              run: () => setAsking({ hook, what: 'secret' }),
                            },
                            {
                              name: t('common.remove'),
                              run: () => setAsking({ hook, what: 'remove' }),
                              grave: true,
                            },
                          ]}
                        />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </>
        )}
      </Loaded>
      {editing && (
        <WebhookForm
          hook={editing === 'new' ? null : editing}
          made={setSecret}
          close={() => setEditing(null)}
        />
      )}
      {secret && (
        <Side title={t('settings.hookSecret')} close={() => setSecret('')}>
          <Stack>
            <Text size="sm">{t('settings.hookSecretHelp')}</Text>
            <CopyBlock text={secret} label={t('settings.hookSecret')} />
            <Button onClick={() => setSecret('')}>{t('keys.kept')}</Button>
          </Stack>
        </Side>
      )}
      <Confirm
        opened={!!asking}
        close={() => setAsking(null)}
        title={
          asking?.what === 'secret'
            ? t('settings.newSecretTitle', { name: asking.hook.name })
            : t('settings.removeHook', { name: asking?.hook.name ?? '' })
        }
        action={asking?.what === 'secret' ? t('settings.newSecret') : t('common.remove')}
        run={async () => {
          if (asking?.what === 'secret') setSecret((await renew.mutateAsync(asking.hook.id)).secret);
          else if (asking) await remove.mutateAsync(asking.hook.id);
        }}
      >
        {asking?.what === 'secret' ? t('settings.newSecretHelp') : t('settings.removeHookHelp')}
      </Confirm>
    </>
  );
}

/** How the last call went, and all of them. */
function Deliveries({ hook }: { hook: Webhook }) {
  const { t } = useTranslation();
  const counts = [
    hook.delivered > 0 && t('settings.delivered', { count: hook.delivered }),
    hook.given_up > 0 && t('settings.givenUp', { count: hook.given_up }),
  ].filter(Boolean);
  return (
    <>
      {hook.last_at ? <Ago at={hook.last_at} /> : t('keys.neverUsed')}
      {hook.last_at && !hook.last_error && ` · ${t('settings.testSaid', { status: hook.last_status ?? '' })}`}
      {hook.last_error && (
        <Text size="xs" c="red.8">
          {hook.last_error}
        </Text>
      )}
      {hook.next_at && (
        <Text size="xs">
          {t('settings.nextTry')} <Ago at={hook.next_at} />
        </Text>
      )}
      {counts.length > 0 && (
        <Text size="xs" c="dimmed">
          {counts.join(' · ')}
        </Text>
      )}
    </>
  );
}

type FormProps = { hook: Webhook | null; made: (secret: string) => void; close: () => void };

function WebhookForm({ hook, made, close }: FormProps) {
  const { t } = useTranslation();
  const make = useMakeWebhook();
  const change = useChangeWebhook();
  const form = useForm({
    initialValues: {
      name: hook?.name ?? '',
      url: hook?.url ?? '',
      kinds: hook?.kinds ?? [],
      active: hook?.active ?? true,
    },
  });
  const submit = useSubmit(form, async (values) => {
    // What stays as it is stays unsent: one whose address is no longer allowed can be switched off.
    if (hook) await change.mutateAsync({ ...changed(hook, values), id: hook.id });
    else made((await make.mutateAsync(values)).secret);
    close();
  });
  return (
    <FormDrawer
      title={hook ? hook.name : t('settings.newWebhook')}
      close={close}
      submit={submit}
      action={t('common.save')}
    >
      <TextInput label={t('common.name')} required data-autofocus {...form.getInputProps('name')} />
      <TextInput
        label={t('settings.url')}
        type="url"
        required
        placeholder="https://"
        {...form.getInputProps('url')}
      />
      <TagsInput
        label={t('settings.events')}
        description={t('settings.kindsHelp')}
        placeholder="launch.failed"
        acceptValueOnBlur
        splitChars={[',', ' ']}
        {...form.getInputProps('kinds')}
      />
      <Switch
        label={t('settings.active')}
        description={t('settings.activeHelp')}
        {...form.getInputProps('active', { type: 'checkbox' })}
      />
    </FormDrawer>
  );
}
