import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function KeysPage() {
  const { t } = useTranslation();
  return <Page title={t('people.title')}>{null}</Page>;
}
