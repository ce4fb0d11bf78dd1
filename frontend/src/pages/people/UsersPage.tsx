import { Button, Tabs } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useMakeGroup } from '@/api/users';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { asOneOf, asText, type Search, useUrl } from '@/ui/useUrl';
import { Groups } from './users/Groups';
import { Lockouts } from './users/Lockouts';
import { NameForm } from './users/NameForm';
import { UserForm } from './users/UserForm';
import { Users } from './users/Users';

const TABS = ['users', 'groups', 'lockouts'] as const;

const read = (search: Search) => ({
  tab: asOneOf(search.tab, TABS, 'users'),
  q: asText(search.q),
  user: asText(search.user),
  new: search.new === true,
});

export default function UsersPage() {
  const { t } = useTranslation();
  const may = useMay();
  const [url, setUrl] = useUrl(read);
  const makeGroup = useMakeGroup();
  const create = () => setUrl({ new: true });
  const close = () => setUrl({ new: false });
  return (
    <Page
      title={t('users.title')}
      about={t('users.about')}
      needs="users.manage"
      actions={
        may('users.manage') &&
        url.tab !== 'lockouts' && (
          <Button leftSection={<IconPlus size={16} />} onClick={create}>
            {url.tab === 'groups' ? t('users.newGroup') : t('users.new')}
          </Button>
        )
      }
    >
      <Tabs
        value={url.tab}
        onChange={(tab) => setUrl({ tab: asOneOf(tab, TABS, 'users'), new: false })}
        keepMounted={false}
      >
        <Tabs.List aria-label={t('users.title')} mb="md">
          {TABS.map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {t(`users.tabs.${tab}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="users">
          <Users q={url.q} user={url.user} set={setUrl} />
        </Tabs.Panel>
        <Tabs.Panel value="groups">
          <Groups create={create} />
        </Tabs.Panel>
        <Tabs.Panel value="lockouts">
          <Lockouts />
        </Tabs.Panel>
      </Tabs>
      {url.new && url.tab === 'users' && <UserForm user={null} close={close} />}
      {url.new && url.tab === 'groups' && (
        <NameForm
          title={t('users.newGroup')}
          label={t('common.name')}
          action={t('users.makeGroup')}
          close={close}
          run={(name) => makeGroup.mutateAsync(name)}
        />
      )}
    </Page>
  );
}
