import { Badge, Button, Tabs } from '@mantine/core';
import { IconArchive, IconArchiveOff, IconEdit } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { projectQuery, useArchiveProject, useRenameProject, useRestoreProject } from '@/api/projects';
import type { Project } from '@/api/schema';
import { useMe } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { said } from '@/ui/notify';
import { Page } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { asOneOf, type Search, useUrl } from '@/ui/useUrl';
import { Limits } from './limits/Limits';
import { Members } from './projects/Members';
import { NameForm } from './users/NameForm';

const TABS = ['members', 'limits'] as const;
const read = (search: Search) => ({ tab: asOneOf(search.tab, TABS, 'members') });

export default function ProjectPage() {
  const { slug = '' } = useParams({ strict: false });
  const project = useQuery(projectQuery(slug));
  return (
    <Page
      title={project.data?.title || slug}
      about={slug}
      actions={project.data && <Actions project={project.data} />}
    >
      <Loaded query={project}>{(one) => <Parts project={one} />}</Loaded>
    </Page>
  );
}

function Parts({ project }: { project: Project }) {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl(read);
  return (
    <Tabs
      value={url.tab}
      onChange={(tab) => setUrl({ tab: asOneOf(tab, TABS, 'members') })}
      keepMounted={false}
    >
      <Tabs.List aria-label={project.title || project.slug} mb="md">
        {TABS.map((tab) => (
          <Tabs.Tab key={tab} value={tab}>
            {t(`projects.tabs.${tab}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="members">
        <Members project={project} />
      </Tabs.Panel>
      <Tabs.Panel value="limits">
        <Limits project={project.slug} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Actions({ project }: { project: Project }) {
  const { t } = useTranslation();
  const me = useMe();
  const rename = useRenameProject(project.slug);
  const archive = useArchiveProject(project.slug);
  const restore = useRestoreProject(project.slug);
  const [doing, setDoing] = useState<'rename' | 'archive' | 'restore' | null>(null);
  const close = () => setDoing(null);
  const isOwner = me?.superuser || project.role === 'owner';
  if (project.archived)
    return (
      <>
        <Badge variant="light" color="gray" tt="none">
          {t('projects.archived')}
        </Badge>
        {me?.superuser && (
          <Button
            variant="light"
            leftSection={<IconArchiveOff size={16} />}
            onClick={() => setDoing('restore')}
          >
            {t('projects.restore')}
          </Button>
        )}
        <Confirm
          opened={doing === 'restore'}
          close={close}
          title={t('projects.restoreTitle', { name: project.slug })}
          action={t('projects.restore')}
          run={() => restore.mutateAsync()}
        >
          {t('projects.restoreHelp')}
        </Confirm>
      </>
    );
  if (!isOwner) return null;
  return (
    <>
      <Button variant="default" leftSection={<IconEdit size={16} />} onClick={() => setDoing('rename')}>
        {t('projects.rename')}
      </Button>
      {project.slug !== 'default' && (
        <Button
          variant="light"
          color="red"
          leftSection={<IconArchive size={16} />}
          onClick={() => setDoing('archive')}
        >
          {t('projects.archive')}
        </Button>
      )}
      {doing === 'rename' && (
        <NameForm
          title={t('projects.rename')}
          label={t('projects.titleLabel')}
          action={t('common.save')}
          close={close}
          run={(title) => rename.mutateAsync(title)}
        />
      )}
      <Confirm
        opened={doing === 'archive'}
        close={close}
        title={t('projects.archiveTitle', { name: project.slug })}
        action={t('projects.archive')}
        run={async () => {
          await archive.mutateAsync();
          said(t('projects.archivedSaid', { name: project.slug }));
        }}
      >
        {t('projects.archiveHelp')}
      </Confirm>
    </>
  );
}
