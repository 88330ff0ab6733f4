/** What a step of a session comes to in its log. */
import type { Snapshot } from '../../shared/protocol/frames.ts';
import type { AppendResult } from '../store/journal.ts';
import type { OpenedSession } from './open-session.ts';
import type { SessionLog } from './session-log.ts';
import type { SessionSaver } from './session-saver.ts';
import type { Step } from './session.ts';

export interface AppendParts {
  readonly session: OpenedSession;
  readonly log: SessionLog;
  readonly saver: SessionSaver;
}

/** `put-off`: nothing was to be written, and nobody can say whether this owner may welcome anybody. */
export type StepResult = AppendResult | 'unavailable' | 'put-off';

/**
 * Appends its entries behind the state `at`. Whoever is welcomed learns watermarks, and a former owner knows older ones: where nothing
 * is written the log is asked, so that it finds out all the same. Without Redis that costs nobody else anything: who is here stays. [O2]
 */
export async function appendStep<Reader>(
  { session, log, saver }: AppendParts,
  at: Snapshot,
  { entries, next, answers }: Step<Reader>,
  isWanted: () => boolean,
): Promise<StepResult> {
  if (entries === undefined) {
    if (answers.every(({ kind }) => kind !== 'joined')) return 'appended';
    const result = await log.confirm(at.offset, isWanted);
    return result === 'unavailable' && !log.isInRedis ? 'put-off' : result;
  }
  const snapshot = log.isInRedis ? undefined : saver.dueSnapshot(next);
  const isEnd = session.model.isEnded?.(next.state);
  const batch = { prev: at.offset, head: next.offset, entries: [entries.text], snapshot, isEnd };
  return log.append(batch, isWanted);
}

/** Who would be welcomed tries again; everybody else is answered as ever. */
export function withJoinsPutOff<Reader>(step: Step<Reader>): Step<Reader> {
  const answers = step.answers.map((answer) =>
    answer.kind === 'joined' ? ({ kind: 'put-off', reader: answer.reader } as const) : answer,
  );
  return { ...step, answers };
}
