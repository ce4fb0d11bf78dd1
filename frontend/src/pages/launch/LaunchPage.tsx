import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function LaunchPage() {
  const { t } = useTranslation();
  return <Page title={t('launch.title')}>{null}</Page>;
}
