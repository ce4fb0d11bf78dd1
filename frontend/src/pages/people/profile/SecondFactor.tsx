import { Badge, Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { secondFactorQuery, useNewRecoveryCodes, useRemoveAuthenticator } from '@/api/own';
import { said } from '@/ui/notify';
import { Part } from '@/ui/Part';
import { Loaded } from '@/ui/states';
import { Authenticator } from './Authenticator';
import { Codes } from './Codes';
import { Proof } from './Proof';

type Doing = 'add' | 'remove' | 'codes' | null;

export function SecondFactor() {
  const { t } = useTranslation();
  const factor = useQuery(secondFactorQuery);
  const remove = useRemoveAuthenticator();
  const renew = useNewRecoveryCodes();
  const [doing, setDoing] = useState<Doing>(null);
  const [codes, setCodes] = useState<string[]>([]);
  const close = () => setDoing(null);
  return (
    <Part title={t('profile.factor')} about={t('profile.factorAbout')}>
      <Loaded query={factor} lines={2}>
        {(now) => (
          <>
            <Group justify="space-between">
              <Group gap="xs">
                <Text size="sm">{t('profile.app')}</Text>
                <Badge variant="light" tt="none" color={now.authenticator ? 'teal' : 'gray'}>
                  {now.authenticator ? t('profile.isSet') : t('profile.isNotSet')}
                </Badge>
                {now.demanded && (
                  <Badge variant="light" tt="none" color="orange">
                    {t('profile.demanded')}
                  </Badge>
                )}
              </Group>
              {now.authenticator ? (
                <Button variant="light" color="red" size="xs" onClick={() => setDoing('remove')}>
                  {t('common.remove')}
                </Button>
              ) : (
                <Button size="xs" onClick={() => setDoing('add')}>
                  {t('login.begin')}
                </Button>
              )}
            </Group>
            {(now.authenticator || now.passkeys.length > 0) && (
              <Group justify="space-between">
                <Text size="sm">{t('profile.codesLeft', { count: now.recovery_codes_left })}</Text>
                <Button variant="default" size="xs" onClick={() => setDoing('codes')}>
                  {t('profile.newCodes')}
                </Button>
              </Group>
            )}
          </>
        )}
      </Loaded>
      {doing === 'add' && <Authenticator close={close} />}
      {doing === 'remove' && (
        <Proof
          title={t('profile.removeApp')}
          about={t('profile.removeAppHelp')}
          action={t('common.remove')}
          close={close}
          run={async (password) => {
            await remove.mutateAsync(password);
            close();
            said(t('profile.appRemoved'));
          }}
        />
      )}
      {doing === 'codes' && (
        <Proof
          title={t('profile.newCodes')}
          about={t('profile.newCodesHelp')}
          action={t('profile.newCodes')}
          close={close}
          run={async (password) => {
            const { recovery_codes } = await renew.mutateAsync(password);
            close();
            setCodes(recovery_codes);
          }}
        />
      )}
      {codes.length > 0 && <Codes codes={codes} close={() => setCodes([])} />}
    </Part>
  );
}
