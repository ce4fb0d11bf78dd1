import { Button, Group, SegmentedControl, Switch, TextInput } from '@mantine/core';
import { IconKey, IconPlus, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keysQuery, useRevokeKey } from '@/api/keys';
import type { Key } from '@/api/schema';
import { useMay, useMe } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { said } from '@/ui/notify';
import { Page } from '@/ui/Page';
import { Empty, Loaded } from '@/ui/states';
import { asText, type Search, useUrl } from '@/ui/useUrl';
import { KeyDetails } from './keys/KeyDetails';
import { KeyTable } from './keys/KeyTable';
import { NewKey } from './keys/NewKey';
import { RotateKey } from './keys/RotateKey';
import { isGood } from './keys/scopes';

/** `new` with `model`: where a model's page sends people who want to call it. */
const read = (search: Search) => ({
  q: asText(search.q),
  all: search.all === true,
  ended: search.ended === true,
  key: asText(search.key),
  new: search.new === true,
  model: asText(search.model),
});

export default function KeysPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl(read);
  const may = useMay();
  return (
    <Page
      title={t('keys.title')}
      about={t('keys.about')}
      needs="keys.own"
      actions={
        may('keys.own') && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setUrl({ new: true })}>
            {t('keys.new')}
          </Button>
        )
      }
    >
      <Keys />
      {url.new && <NewKey model={url.model} close={() => setUrl({ new: false, model: '' })} />}
    </Page>
  );
}

function Keys() {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay();
  const [url, setUrl] = useUrl(read);
  const keys = useQuery(keysQuery);
  const revoke = useRevokeKey();
  const [rotating, setRotating] = useState<Key | null>(null);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const open = useCallback((key: Key) => setUrl({ key: key.id }), [setUrl]);

  const ofAll = url.all && may('keys.manage');
  const wanted = url.q.toLowerCase();
  const isShown = (key: Key) =>
    (ofAll || key.owner === me?.username) &&
    (url.ended || isGood(key)) &&
    [key.name, key.prefix, key.owner, key.project, ...key.models].some((text) =>
      text.toLowerCase().includes(wanted),
    );
  return (
    <Loaded
      query={keys}
      isEmpty={(all) => !all.length}
      empty={
        <Empty
          icon={<IconKey size={26} />}
          title={t('keys.empty')}
          action={<Button onClick={() => setUrl({ new: true })}>{t('keys.new')}</Button>}
        >
          {t('keys.emptyHelp')}
        </Empty>
      }
    >
      {(all) => {
        const rows = all.filter(isShown);
        const opened = all.find((key) => key.id === url.key);
        return (
          <>
            <Group>
              <TextInput
                aria-label={t('common.search')}
                placeholder={t('common.search')}
                leftSection={<IconSearch size={16} />}
                value={url.q}
                onChange={(event) => setUrl({ q: event.currentTarget.value })}
              />
              {may('keys.manage') && (
                <SegmentedControl
                  aria-label={t('keys.whose')}
                  data={[
                    { value: 'mine', label: t('keys.mine') },
                    { value: 'all', label: t('keys.everybodys') },
                  ]}
                  value={ofAll ? 'all' : 'mine'}
                  onChange={(value) => setUrl({ all: value === 'all' })}
                />
              )}
              <Switch
                label={t('keys.showEnded')}
                checked={url.ended}
                onChange={(event) => setUrl({ ended: event.currentTarget.checked })}
              />
            </Group>
            {rows.length ? (
              <KeyTable
                rows={rows}
                owners={ofAll}
                projects={!me?.project}
                open={open}
                rotate={setRotating}
                revoke={setRevoking}
              />
            ) : (
              <Empty icon={<IconKey size={26} />} title={t('keys.noneLikeThat')}>
                {t('keys.noneLikeThatHelp')}
              </Empty>
            )}
            {opened && !rotating && (
              <KeyDetails
                row={opened}
                close={() => setUrl({ key: '' })}
                show={(key) => setUrl({ key })}
                rotate={() => setRotating(opened)}
                revoke={() => setRevoking(opened)}
              />
            )}
            {rotating && <RotateKey row={rotating} close={() => setRotating(null)} />}
            <Confirm
              opened={!!revoking}
              close={() => setRevoking(null)}
              title={t('keys.revokeTitle', { name: revoking?.name ?? '' })}
              action={t('keys.revoke')}
              run={async () => {
                if (!revoking) return;
                await revoke.mutateAsync(revoking.id);
                said(t('keys.revokedSaid', { name: revoking.name }));
              }}
            >
              {t('keys.revokeHelp')}
            </Confirm>
          </>
        );
      }}
    </Loaded>
  );
}
