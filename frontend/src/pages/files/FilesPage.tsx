import { useTranslation } from 'react-i18next';
import { Page } from '@/ui/Page';

export default function FilesPage() {
  const { t } = useTranslation();
  return <Page title={t('files.title')}>{null}</Page>;
}
