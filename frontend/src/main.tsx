import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './app/app.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { makeQueryClient } from '@/api/queries';
import { App } from '@/app/App';
import { makeRouter } from '@/app/router';
import { startLanguages } from '@/i18n';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element "root"');
await startLanguages();
const queryClient = makeQueryClient();
createRoot(root).render(
  <StrictMode>
    <App queryClient={queryClient} router={makeRouter(queryClient)} />
  </StrictMode>,
);
