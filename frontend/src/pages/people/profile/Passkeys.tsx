import { Button, Table, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { secondFactorQuery, useAddPasskey, useRemovePasskey } from '@/api/own';
import type { Passkey } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { canUsePasskeys } from '@/session/passkeys';
import { said } from '@/ui/notify';
import { Part } from '@/ui/Part';
import { Loaded } from '@/ui/states';
import { Codes } from './Codes';
import { Proof } from './Proof';

export function Passkeys() {
  const { t } = useTranslation();
  const format = useFormat();
  const factor = useQuery(secondFactorQuery);
  const add = useAddPasskey();
  const remove = useRemovePasskey();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Passkey | null>(null);
  const [codes, setCodes] = useState<string[]>([]);
  return (
    <Part
      title={t('profile.passkeys')}
      about={canUsePasskeys() ? t('profile.passkeysAbout') : t('profile.noPasskeysHere')}
      actions={
        canUsePasskeys() && (
          <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
            {t('profile.addPasskey')}
          </Button>
        )
      }
    >
      <Loaded
        query={factor}
        lines={2}
        isEmpty={(now) => !now.passkeys.length}
        empty={<Text size="sm">{t('profile.noPasskeys')}</Text>}
      >
        {(now) => (
          <Table.ScrollContainer minWidth={480}>
            <Table aria-label={t('profile.passkeys')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('common.name')}</Table.Th>
                  <Table.Th>{t('profile.server')}</Table.Th>
                  <Table.Th>{t('profile.lastUsed')}</Table.Th>
                  <Table.Th>{t('common.more')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {now.passkeys.map((one) => (
                  <Table.Tr key={one.id}>
                    <Table.Td>{one.name}</Table.Td>
                    <Table.Td>{one.host}</Table.Td>
                    <Table.Td>{one.last_used ? format.ago(one.last_used) : t('keys.neverUsed')}</Table.Td>
                    <Table.Td>
                      <Button size="compact-xs" variant="light" color="red" onClick={() => setRemoving(one)}>
                        {t('common.remove')}
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
      {adding && (
        <Proof
          title={t('profile.addPasskey')}
          about={t('profile.addPasskeyHelp')}
          action={t('common.add')}
          nameLabel={t('profile.passkeyName')}
          close={() => setAdding(false)}
          run={async (password, name) => {
            try {
              const { recovery_codes } = await add.mutateAsync({ password, name });
              setAdding(false);
              setCodes(recovery_codes);
              said(t('profile.passkeyAdded'));
            } catch (problem) {
              // Who closes the browser's own question has not made a mistake.
              if (!(problem instanceof DOMException && problem.name === 'NotAllowedError')) throw problem;
            }
          }}
        />
      )}
      {removing && (
        <Proof
          title={t('profile.removePasskey', { name: removing.name })}
          action={t('common.remove')}
          close={() => setRemoving(null)}
          run={async (password) => {
            await remove.mutateAsync({ id: removing.id, password });
            setRemoving(null);
          }}
        />
      )}
      {codes.length > 0 && <Codes codes={codes} close={() => setCodes([])} />}
    </Part>
  );
}
