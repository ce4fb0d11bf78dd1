/** What is said next: a text, and images where a model can see. Enter sends, Shift+Enter is a new line. */

import {
  ActionIcon,
  Button,
  CloseButton,
  FileButton,
  Group,
  Paper,
  Stack,
  Textarea,
  Tooltip,
} from '@mantine/core';
import { IconPhoto, IconPlayerStopFilled, IconSend } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { wentWrong } from '@/ui/notify';
import classes from './chat.module.css';
import { asDataUri, filesOf, isImage, MOST_IMAGES } from './images';

type Props = {
  say: (text: string, images: string[]) => void;
  stop: () => void;
  isRunning: boolean;
  /** models that take no images */
  blind: string[];
  /** why nothing can be sent now */
  blocked: string;
};

export function Composer({ say, stop, isRunning, blind, blocked }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [images, setImages] = useState<string[]>([]);
  const reset = useRef<() => void>(null);
  const isReady = !isRunning && !blocked && (text.trim() !== '' || images.length > 0);

  const cannot = blind.length > 0 && t('play.images.cannot', { models: blind.join(', ') });

  const add = async (files: File[]) => {
    // So that the same file can be chosen again.
    reset.current?.();
    if (cannot) return wentWrong(cannot);
    if (!files.every(isImage)) return wentWrong(t('play.images.only'));
    if (images.length + files.length > MOST_IMAGES)
      return wentWrong(t('play.images.tooMany', { most: MOST_IMAGES }));
    try {
      const added = await Promise.all(files.map(asDataUri));
      setImages((before) => [...before, ...added].slice(0, MOST_IMAGES));
    } catch {
      wentWrong(t('play.images.unreadable'));
    }
  };
  const send = () => {
    if (!isReady) return;
    say(text.trim(), images);
    setText('');
    setImages([]);
  };

  return (
    <Paper
      withBorder
      p="xs"
      className={classes.composer}
      // A file that is let go here never takes the page's place.
      onDragOver={(event) => event.dataTransfer.types.includes('Files') && event.preventDefault()}
      onDrop={(event) => {
        const dropped = filesOf(event.dataTransfer);
        if (!dropped.length) return;
        event.preventDefault();
        void add(dropped);
      }}
    >
      <Stack gap="xs">
        {images.length > 0 && (
          <Group gap="xs">
            {images.map((url, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same picture may be there twice
              <div key={index} className={classes.thumb}>
                <img src={url} alt={t('play.images.number', { number: index + 1 })} />
                <CloseButton
                  size="xs"
                  aria-label={t('play.images.remove', { number: index + 1 })}
                  onClick={() => setImages(images.filter((_, other) => other !== index))}
                />
              </div>
            ))}
          </Group>
        )}
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <Textarea
            flex={1}
            aria-label={t('play.chat.message')}
            placeholder={t('play.chat.messageHint')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onPaste={(event) => {
              const pasted = filesOf(event.clipboardData);
              // Tables and words are copied with a picture of themselves.
              if (!pasted.length || event.clipboardData.getData('text/plain')) return;
              event.preventDefault();
              void add(pasted);
            }}
            onKeyDown={(event) => {
              // The Enter that chooses a word of an input method is none of ours; Safari ends the composing
              // before it, and says so by the code alone.
              if (event.key !== 'Enter' || event.shiftKey) return;
              if (event.nativeEvent.isComposing || event.keyCode === 229) return;
              event.preventDefault();
              send();
            }}
            error={blocked || undefined}
            autosize
            minRows={1}
            maxRows={8}
          />
          <FileButton
            accept="image/png,image/jpeg,image/webp,image/gif"
            multiple
            resetRef={reset}
            onChange={(files) => void add(files)}
          >
            {({ onClick }) => (
              <Tooltip label={cannot || t('play.images.add')}>
                <ActionIcon
                  onClick={cannot ? () => wentWrong(cannot) : onClick}
                  size={36}
                  variant="default"
                  aria-label={t('play.images.add')}
                  aria-disabled={!!cannot}
                  data-disabled={cannot ? true : undefined}
                >
                  <IconPhoto size={18} />
                </ActionIcon>
              </Tooltip>
            )}
          </FileButton>
          {isRunning ? (
            <Button
              color="red"
              variant="light"
              onClick={stop}
              leftSection={<IconPlayerStopFilled size={16} />}
            >
              {t('play.stop')}
            </Button>
          ) : (
            <Button onClick={send} disabled={!isReady} leftSection={<IconSend size={16} />}>
              {t('play.send')}
            </Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}
