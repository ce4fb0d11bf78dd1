import { Anchor, Badge, Button, Group, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconFolders, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { projectsQuery, useMakeProject } from '@/api/projects';
import type { Project } from '@/api/schema';
import { useFormat } from '@/format/useFormat';
import { useMay } from '@/session/session';
import { FormDrawer } from '@/ui/FormDrawer';
import { type Column, LongTable } from '@/ui/LongTable';
import { Page } from '@/ui/Page';
import { Empty, Loaded } from '@/ui/states';
import { useRoleName } from '@/ui/useRoleName';
import { useSubmit } from '@/ui/useSubmit';
import { type Search, useUrl } from '@/ui/useUrl';
import { UserInput } from './UserInput';

const read = (search: Search) => ({ new: search.new === true, archived: search.archived === true });

export default function ProjectsPage() {
  const { t } = useTranslation();
  const may = useMay();
  const [url, setUrl] = useUrl(read);
  return (
    <Page
      title={t('projects.title')}
      about={t('projects.about')}
      actions={
        may('projects.create') && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setUrl({ new: true })}>
            {t('projects.new')}
          </Button>
        )
      }
    >
      <Switch
        label={t('projects.showArchived')}
        checked={url.archived}
        onChange={(event) => setUrl({ archived: event.currentTarget.checked })}
      />
      <Projects archived={url.archived} />
      {url.new && may('projects.create') && <NewProject close={() => setUrl({ new: false })} />}
    </Page>
  );
}

function Projects({ archived }: { archived: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const roleName = useRoleName();
  const navigate = useNavigate();
  const projects = useQuery(projectsQuery);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the roles' names change with `t`
  const columns = useMemo<Column<Project>[]>(
    () => [
      {
        id: 'title',
        title: t('common.name'),
        width: 'minmax(14rem, 2fr)',
        by: (project) => project.title || project.slug,
        show: (project) => (
          <Group gap={8} wrap="nowrap">
            <Anchor
              size="sm"
              fw={600}
              renderRoot={(props) => <Link to="/projects/$slug" params={{ slug: project.slug }} {...props} />}
            >
              {project.title || project.slug}
            </Anchor>
            {project.archived && (
              <Badge variant="light" color="gray" tt="none">
                {t('projects.archived')}
              </Badge>
            )}
          </Group>
        ),
      },
      {
        id: 'slug',
        title: t('projects.slug'),
        by: (project) => project.slug,
        show: (project) => project.slug,
      },
      { id: 'role', title: t('projects.yourRole'), show: (project) => roleName(project.role) },
      {
        id: 'created',
        title: t('keys.made'),
        by: (project) => project.created,
        show: (project) => <span title={format.moment(project.created)}>{format.ago(project.created)}</span>,
      },
    ],
    [t, format],
  );
  return (
    <Loaded
      query={projects}
      isEmpty={(all) => !all.length}
      empty={<Empty icon={<IconFolders size={26} />} title={t('profile.noProject')} />}
    >
      {(all) => (
        <LongTable
          label={t('projects.title')}
          rows={all.filter((project) => archived || !project.archived)}
          columns={columns}
          rowId={(project) => project.slug}
          onOpen={(project) => void navigate({ to: '/projects/$slug', params: { slug: project.slug } })}
          sort="title"
        />
      )}
    </Loaded>
  );
}

function NewProject({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const make = useMakeProject();
  const form = useForm({
    initialValues: { title: '', slug: '', owner: '' },
    validate: {
      slug: (slug) => (/^[a-z0-9][a-z0-9-]*$/.test(slug) ? null : t('projects.slugHelp')),
    },
  });
  const submit = useSubmit(form, async ({ title, slug, owner }) => {
    await make.mutateAsync({ slug, title: title.trim(), ...(owner.trim() && { owner: owner.trim() }) });
    void navigate({ to: '/projects/$slug', params: { slug } });
  });
  return (
    <FormDrawer title={t('projects.new')} close={close} submit={submit} action={t('projects.make')}>
      <TextInput
        label={t('projects.titleLabel')}
        data-autofocus
        {...form.getInputProps('title')}
        onChange={(event) => {
          const title = event.currentTarget.value;
          const wasFollowing = form.values.slug === slugOf(form.values.title);
          form.setFieldValue('title', title);
          if (wasFollowing) form.setFieldValue('slug', slugOf(title));
        }}
      />
      <TextInput
        label={t('projects.slug')}
        description={t('projects.slugHelp')}
        required
        {...form.getInputProps('slug')}
      />
      <UserInput
        label={t('projects.firstOwner')}
        description={t('projects.firstOwnerHelp')}
        {...form.getInputProps('owner')}
      />
    </FormDrawer>
  );
}

function slugOf(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
