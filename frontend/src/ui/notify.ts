/** Short messages at the page's corner. */

import { type NotificationData, notifications } from '@mantine/notifications';
import i18next from 'i18next';
import { detailOf, titleOf } from './problems';

export function said(text: string): void {
  show({ message: text, color: 'teal' });
}

export function wentWrong(error: unknown): void {
  show({ title: titleOf(error), message: detailOf(error), color: 'red', autoClose: 8000 });
}

function show(what: NotificationData): void {
  notifications.show({ ...what, closeButtonProps: { 'aria-label': i18next.t('common.close') } });
}
