import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function NodePage() {
  const { t } = useTranslation();
  return <Page title={t('nodes.title')}>{null}</Page>;
}
