/** What all models of a conversation are told: instruction, parameters, tools, the answer's form. */

import {
  Accordion,
  Alert,
  Button,
  JsonInput,
  Paper,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
} from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Card } from '@/api/inference';
import { ParameterFields } from '../ParameterFields';
import { can } from '../parameters';
import type { Settings } from './conversation';
import { leftOut, wrongs } from './request';

const TOOLS_EXAMPLE = JSON.stringify(
  [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather in a city, now.',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
        },
      },
    },
  ],
  null,
  2,
);
const SCHEMA_EXAMPLE = JSON.stringify(
  {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  },
  null,
  2,
);

type Props = {
  settings: Settings;
  onChange: (settings: Settings) => void;
  /** of the columns' models */
  cards: (Card | undefined)[];
};

export function SettingsPanel({ settings, onChange, cards }: Props) {
  const { t } = useTranslation();
  const wrong = wrongs(settings);
  const errorOf = (field: 'tools' | 'schema') => {
    const found = wrong.find((one) => one.field === field);
    return found && t(`play.settings.${found.why}`);
  };
  const someCan = (ability: string) => cards.some((card) => can(card, ability));
  const formats = (['text', 'json_object', 'json_schema'] as const).filter(
    (format) => format === 'text' || format === settings.format || someCan(format),
  );
  const ignored = cards.flatMap((card) => {
    const names = leftOut(settings, card);
    return card && names.length ? [{ id: card.id, names }] : [];
  });
  return (
    <Paper withBorder p="sm">
      <Stack gap="sm">
        <Textarea
          label={t('play.settings.system')}
          placeholder={t('play.settings.systemHint')}
          value={settings.system}
          onChange={(event) => onChange({ ...settings, system: event.currentTarget.value })}
          autosize
          minRows={2}
          maxRows={10}
        />
        <ParameterFields
          values={settings.values}
          onChange={(values) => onChange({ ...settings, values })}
          cards={cards}
        />
        {ignored.map(({ id, names }) => (
          <Text key={id} size="xs" c="dimmed" role="note">
            {t('play.settings.leftOut', { model: id, names: names.join(', ') })}
          </Text>
        ))}
        <Accordion multiple variant="contained" defaultValue={defaultOpen(settings)}>
          <Accordion.Item value="tools">
            <Accordion.Control>{t('play.settings.tools')}</Accordion.Control>
            <Accordion.Panel>
              <Stack gap="xs">
                {!someCan('tools') && <Alert color="yellow">{t('play.settings.noTools')}</Alert>}
                <JsonInput
                  aria-label={t('play.settings.tools')}
                  description={t('play.settings.toolsHelp')}
                  value={settings.tools}
                  onChange={(tools) => onChange({ ...settings, tools })}
                  error={errorOf('tools')}
                  formatOnBlur
                  autosize
                  minRows={4}
                  maxRows={16}
                  styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
                />
                {!settings.tools.trim() && (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    onClick={() => onChange({ ...settings, tools: TOOLS_EXAMPLE })}
                  >
                    {t('play.settings.example')}
                  </Button>
                )}
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
          <Accordion.Item value="format">
            <Accordion.Control>{t('play.settings.format')}</Accordion.Control>
            <Accordion.Panel>
              <Stack gap="xs">
                <SegmentedControl
                  size="xs"
                  fullWidth
                  orientation="vertical"
                  aria-label={t('play.settings.format')}
                  value={settings.format}
                  onChange={(format) => onChange({ ...settings, format: format as Settings['format'] })}
                  data={formats.map((format) => ({
                    value: format,
                    label: t(`play.settings.formats.${format}`),
                  }))}
                />
                {formats.length === 1 && (
                  <Text size="xs" c="dimmed">
                    {t('play.settings.noFormats')}
                  </Text>
                )}
                {settings.format === 'json_schema' && (
                  <>
                    <JsonInput
                      aria-label={t('play.settings.schema')}
                      value={settings.schema}
                      onChange={(schema) => onChange({ ...settings, schema })}
                      error={errorOf('schema')}
                      formatOnBlur
                      autosize
                      minRows={4}
                      maxRows={16}
                      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
                    />
                    {!settings.schema.trim() && (
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        onClick={() => onChange({ ...settings, schema: SCHEMA_EXAMPLE })}
                      >
                        {t('play.settings.example')}
                      </Button>
                    )}
                  </>
                )}
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      </Stack>
    </Paper>
  );
}

function defaultOpen(settings: Settings): string[] {
  return [...(settings.tools ? ['tools'] : []), ...(settings.format === 'text' ? [] : ['format'])];
}
