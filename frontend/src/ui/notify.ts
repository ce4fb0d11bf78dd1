/** Short messages at the page's corner. */

import { notifications } from '@mantine/notifications';
import { message } from './states';

export function said(text: string): void {
  notifications.show({ message: text, color: 'teal' });
}

export function wentWrong(error: unknown): void {
  notifications.show({ message: message(error), color: 'red', autoClose: 8000 });
}
