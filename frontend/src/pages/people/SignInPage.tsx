import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';
import { asOneOf, type Search, useUrl } from '@/ui/useUrl';
import { Applications } from './signin/Applications';
import { Providers } from './signin/Providers';

const TABS = ['providers', 'applications'] as const;
const read = (search: Search) => ({ tab: asOneOf(search.tab, TABS, 'providers') });

export default function SignInPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl(read);
  return (
    <Page title={t('signIn.title')} about={t('signIn.about')} needs="settings.read">
      <Tabs
        value={url.tab}
        onChange={(tab) => setUrl({ tab: asOneOf(tab, TABS, 'providers') })}
        keepMounted={false}
      >
        <Tabs.List aria-label={t('signIn.title')} mb="md">
          {TABS.map((tab) => (
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
