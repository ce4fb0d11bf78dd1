/** Short messages at the page's corner. */

import { notifications } from '@mantine/notifications';
import { detailOf, titleOf } from './problems';

export function said(text: string): void {
  notifications.show({ message: text, color: 'teal' });
}

export function wentWrong(error: unknown): void {
  notifications.show({ title: titleOf(error), message: detailOf(error), color: 'red', autoClose: 8000 });
}
