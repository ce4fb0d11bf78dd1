import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function PlayPage() {
  const { t } = useTranslation();
  return <Page title={t('play.title')}>{null}</Page>;
}
