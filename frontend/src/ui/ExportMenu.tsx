/** What a page shows, as a file that the server makes: a choice of forms. */

import { Button, Menu } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

export function ExportMenu<Form extends string>({
  name,
  forms,
  address,
}: {
  /** of the file, without its ending */
  name: string;
  forms: readonly Form[];
  address: (form: Form) => string;
}) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} />}>
          {t('usage.export')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {forms.map((form) => (
          <Menu.Item key={form} component="a" href={address(form)} download={`${name}.${form}`}>
            {form.toUpperCase()}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
