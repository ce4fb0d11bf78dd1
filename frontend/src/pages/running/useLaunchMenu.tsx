/** What may be done with one launch or several, and the questions that are asked before. */

import {
  IconArrowsVertical,
  IconMessage,
  IconPin,
  IconPinnedOff,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRocket,
} from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { launchActions, useLaunchAction } from '@/api/launches';
import type { Launch } from '@/api/schema';
import { useMay, useMe } from '@/session/session';
import { Confirm } from '@/ui/confirm';
import { said, wentWrong } from '@/ui/notify';
import { message } from '@/ui/problems';
import type { RowAction } from '@/ui/RowMenu';
import { isOurs } from './rows';
import { ScaleDialog } from './ScaleDialog';

type Question = { what: 'terminate' | 'cancel' | 'restart' | 'scale'; launches: readonly Launch[] };

/** So many at once, when several are changed. */
const AT_ONCE = 4;

export function useLaunchMenu(): {
  /** of one launch */
  actions: (launch: Launch) => RowAction[];
  /** of several */
  together: (launches: readonly Launch[]) => RowAction[];
  mayChange: (launch: Launch) => boolean;
  /** asks, as its entry in the menu does */
  ask: (what: Question['what'], launch: Launch) => void;
  /** to be rendered once on the page */
  questions: ReactNode;
} {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const me = useMe();
  const act = useLaunchAction();
  const [question, setQuestion] = useState<Question | null>(null);

  const mayChange = (launch: Launch) => may('launches.write') && isOurs(launch, me);

  const quietly = (run: () => Promise<unknown>, done: string) =>
    void act(run).then(
      () => said(done),
      (error) => wentWrong(error),
    );

  const pin = (launches: readonly Launch[], pinned: boolean): RowAction => ({
    name: t(pinned ? 'running.do.pin' : 'running.do.unpin'),
    icon: pinned ? <IconPin size={16} /> : <IconPinnedOff size={16} />,
    run: () =>
      quietly(
        () => eachOf(launches, (one) => launchActions.keep(one.uid, { pinned })),
        t(pinned ? 'running.done.pinned' : 'running.done.unpinned', { count: launches.length }),
      ),
  });

  const ask = (what: Question['what'], launches: readonly Launch[], grave = false): RowAction => ({
    name: t(`running.do.${what}`),
    icon: {
      terminate: <IconPlayerStop size={16} />,
      cancel: <IconPlayerStop size={16} />,
      restart: <IconRefresh size={16} />,
      scale: <IconArrowsVertical size={16} />,
    }[what],
    grave,
    run: () => setQuestion({ what, launches }),
  });

  const actions = (launch: Launch): RowAction[] => {
    const found: RowAction[] = [];
    if (may('models.use') && launch.state !== 'failed' && launch.abilities.includes('chat'))
      found.push({
        name: t('running.do.chat'),
        icon: <IconMessage size={16} />,
        run: () =>
          void navigate({
            to: '/play/$what',
            params: { what: 'chat' },
            search: { model: launch.uid } as never,
          }),
      });
    if (!mayChange(launch)) return found;
    if (launch.state === 'stopped')
      found.push({
        name: t('running.do.start'),
        icon: <IconPlayerPlay size={16} />,
        run: () =>
          quietly(() => launchActions.relaunch(launch.uid), t('running.done.started', { uid: launch.uid })),
      });
    if (launch.state !== 'stopped') found.push(ask('scale', [launch]), ask('restart', [launch]));
    found.push(pin([launch], !launch.pinned));
    if (!launch.built_in)
      found.push({
        name: t('running.do.again'),
        icon: <IconRocket size={16} />,
        run: () => void navigate({ to: '/launch', search: { from: launch.uid } as never }),
      });
    if (launch.state === 'starting') found.push(ask('cancel', [launch], true));
    else if (launch.state !== 'stopped') found.push(ask('terminate', [launch], true));
    return found;
  };

  const together = (launches: readonly Launch[]): RowAction[] => {
    const running = launches.filter((one) => one.state !== 'stopped');
    return [
      ask('scale', running),
      ask('restart', running),
      pin(launches, true),
      pin(launches, false),
      ask('terminate', running, true),
    ];
  };

  const close = () => setQuestion(null);
  const asked = question?.launches ?? [];
  const names = asked.map((one) => one.uid).join(', ');
  const confirmed = question !== null && question.what !== 'scale' ? question.what : null;
  const questions = (
    <>
      {confirmed && (
        <Confirm
          opened
          close={close}
          title={t(`running.ask.${confirmed}`, { count: asked.length, names })}
          action={t(`running.do.${confirmed}`)}
          run={() =>
            act(() =>
              eachOf(asked, (one) =>
                confirmed === 'restart'
                  ? launchActions.relaunch(one.uid)
                  : confirmed === 'cancel'
                    ? launchActions.cancel(one.uid)
                    : launchActions.terminate(one.uid),
              ),
            )
          }
        >
          {t(`running.ask.${confirmed}Help`)}
        </Confirm>
      )}
      {question?.what === 'scale' && (
        <ScaleDialog
          launches={asked}
          close={close}
          run={(bounds) => act(() => eachOf(asked, (one) => launchActions.scale(one.uid, bounds)))}
        />
      )}
    </>
  );
  return {
    actions,
    together,
    mayChange,
    ask: (what, launch) => setQuestion({ what, launches: [launch] }),
    questions,
  };
}

/** All are tried, a few at once; throws the first refusal, with the names of all that were refused. */
export async function eachOf<T>(things: readonly (T & { uid: string })[], act: (one: T) => Promise<unknown>) {
  const refused: { uid: string; error: unknown }[] = [];
  const waiting = [...things];
  const work = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      try {
        await act(one);
      } catch (error) {
        refused.push({ uid: one.uid, error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const [first] = refused;
  if (!first) return;
  if (things.length === 1) throw first.error;
  throw new Error(`${refused.map((one) => one.uid).join(', ')}: ${message(first.error)}`);
}
