import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/session/session';
import { Page } from '@/ui/Page';
import { type Search, useUrl } from '@/ui/useUrl';
import { Applications } from './signin/Applications';
import { Providers } from './signin/Providers';

const TABS = ['providers', 'applications'] as const;
type Tab = (typeof TABS)[number];
const NEEDS: Record<Tab, string> = { providers: 'users.manage', applications: 'keys.manage' };
const asTab = (value: unknown) => TABS.find((tab) => tab === value);
const read = (search: Search) => ({ tab: asTab(search.tab) });

export default function SignInPage() {
  const { t } = useTranslation();
  const may = useMay();
  const [url, setUrl] = useUrl(read);
  const theirs = TABS.filter((tab) => may(NEEDS[tab]));
  const shown = url.tab ?? theirs[0] ?? 'providers';
  return (
    <Page title={t('signIn.title')} about={t('signIn.about')} needs={NEEDS[shown]}>
      <Tabs value={shown} onChange={(tab) => setUrl({ tab: asTab(tab) })} keepMounted={false}>
        <Tabs.List aria-label={t('signIn.title')} mb="md">
          {theirs.map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {t(`signIn.tabs.${tab}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="providers">
          <Providers />
        </Tabs.Panel>
        <Tabs.Panel value="applications">
          <Applications />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
