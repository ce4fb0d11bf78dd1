import { useTranslation } from 'react-i18next';
import { useMe } from '@/session/session';
import { Page } from '@/ui/Page';
import { Authorizations } from './profile/Authorizations';
import { Logins } from './profile/Logins';
import { Looks } from './profile/Looks';
import { Passkeys } from './profile/Passkeys';
import { Password } from './profile/Password';
import { SecondFactor } from './profile/SecondFactor';
import { Who } from './profile/Who';

export default function ProfilePage() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <Page title={t('profile.title')} about={t('profile.about')}>
      <Who />
      <Looks />
      {/* The operator of the machine has no account whose way in could be changed. */}
      {me?.id != null && (
        <>
          <Password />
          <SecondFactor />
          <Passkeys />
          <Logins />
          <Authorizations />
        </>
      )}
    </Page>
  );
}
