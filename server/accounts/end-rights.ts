/** Ends what clients may whose login has ended. What is left over when an instance dies, another one takes up. */
import type { Clock } from '../../shared/clock.ts';
import type { SessionOffice } from '../http/session-owners.ts';
import type { Grant, LoginBook } from './login-book.ts';

export interface EndingParts {
  readonly logins: Pick<LoginBook, 'endedGrants' | 'dropGrant' | 'endExpired'>;
  readonly sessions: Pick<SessionOffice, 'revoke'>;
  readonly clock: Clock;
  readonly reportError: (error: unknown) => void;
}

export interface RightsEnding {
  /** Looks at once; what comes in meanwhile is looked at after it. */
  readonly soon: () => void;
  /** Resolves when nothing is under way; nothing begins after it. */
  readonly stop: () => Promise<void>;
}

/** Milliseconds between two looks for what others left over. */
const lookMs = 30_000;

/** Clients looked at in one go. */
const batchCountMax = 100;

export function startEndingRights(parts: EndingParts): RightsEnding {
  const { clock, reportError } = parts;
  let running: Promise<void> | undefined;
  let isAskedAgain = false;
  let isStopped = false;
  let cancel: (() => void) | undefined;
  const soon = (): void => {
    if (isStopped) return;
    isAskedAgain = true;
    running ??= work().finally(() => {
      running = undefined;
    });
  };
  const work = async (): Promise<void> => {
    isAskedAgain = false;
    await endRights(parts).catch(reportError);
    if (isAskedAgain && !isStopped) await work();
  };
  const look = (): void => {
    cancel = clock.after(lookMs, () => {
      parts.logins.endExpired().then(soon, reportError);
      look();
    });
  };
  look();
  return {
    soon,
    stop: async () => {
      isStopped = true;
      cancel?.();
      await running;
    },
  };
}

/** One that cannot be ended now stays for the next look, and holds up no other: what comes behind `last` is looked at all the same. */
async function endRights(parts: EndingParts, last?: Grant): Promise<void> {
  const { logins, sessions, reportError } = parts;
  const grants = await logins.endedGrants(batchCountMax, last);
  await Promise.all(
    grants.map(async (grant) => {
      try {
        await sessions.revoke(grant.sessionId, grant.clientId);
        await logins.dropGrant(grant);
      } catch (error) {
        reportError(error);
      }
    }),
  );
  if (grants.length === batchCountMax) await endRights(parts, grants.at(-1));
}
