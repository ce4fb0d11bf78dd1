import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './app/app.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { makeQueryClient } from '@/api/queries';
import { App } from '@/app/App';
import { makeRouter } from '@/app/router';
import { startLanguages } from '@/i18n';
import { sessionQuery } from '@/session/session';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element "root"');
const queryClient = makeQueryClient();
const router = makeRouter(queryClient);
// Asked for together: who is logged in, the page's own code, and the words.
void queryClient.prefetchQuery(sessionQuery);
// What does not come is asked for again when it is shown, and missed there.
for (const route of router.getMatchedRoutes(router.latestLocation.pathname)[0])
  router.loadRouteChunk(route)?.catch(() => undefined);
await startLanguages();
createRoot(root).render(
  <StrictMode>
    <App queryClient={queryClient} router={router} />
  </StrictMode>,
);
