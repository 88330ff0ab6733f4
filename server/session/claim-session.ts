/** Claims a session in the stores that answer: from then on no former owner's write lands in them. */
import { retentionMs } from '../../shared/protocol/limits.ts';
import {
  StoreUnavailableError,
  type Claim,
  type Gone,
  type Journal,
  type Recovered,
} from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';

export type Claimed =
  /** Redis is `undefined` when it does not know the session. */
  | { readonly kind: 'both'; readonly postgres: Recovered; readonly redis: Recovered | undefined }
  /** There is no Redis, or it is away. */
  | { readonly kind: 'postgres'; readonly postgres: Recovered; readonly isRedisAway: boolean }
  /** Postgres is away. */
  | { readonly kind: 'redis'; readonly redis: Recovered }
  | { readonly kind: 'unknown' }
  | Gone
  | { readonly kind: 'too-new' };

/** Another instance claimed the session meanwhile: forget it, the client will ask again. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/**
 * Postgres first: it mints the term, and a term decides between two instances that claim at once. When Redis has seen a higher one
 * (Postgres was restored from a backup), the claim is made again above it; when only Redis knows the session, Postgres gets it back
 * from there first. Rejects with StoreUnavailableError when
 * neither store can say what the session is; while Postgres is away, that is for `isEnough` to judge of what Redis has.
 */
export async function claimSession(
  journals: Journals,
  claim: Claim,
  isEnough: (redis: Recovered) => boolean,
): Promise<Claimed> {
  const { log, checkpoints } = journals;
  const claimed = await claimPostgres(checkpoints, claim);
  if (claimed === 'away') return log === undefined ? away() : claimRedisAlone(log, claim, isEnough);
  const postgres =
    claimed.kind === 'absent' && (await giveBack(journals, claim.sessionId))
      ? await claimPostgres(checkpoints, claim)
      : claimed;
  if (postgres === 'away') return away();
  if (postgres.kind === 'absent') return { kind: 'unknown' };
  if (postgres.kind !== 'taken') return postgres;
  if (log === undefined) return { kind: 'postgres', postgres, isRedisAway: false };
  const redis = await unlessAway(log.takeOver({ ...claim, term: postgres.term }));
  if (redis === 'away') return { kind: 'postgres', postgres, isRedisAway: true };
  if (redis.kind === 'too-new') return { kind: 'too-new' };
  if (redis.kind === 'absent' || redis.kind === 'gone')
    return { kind: 'both', postgres, redis: undefined };
  if (redis.kind === 'taken') return { kind: 'both', postgres, redis };
  if (claim.term !== undefined) throw new FencedError('A newer owner is there.');
  return claimSession(journals, { ...claim, term: redis.term + 1 }, isEnough);
}

/** Redis stands on a checkpoint that Postgres once had: Postgres gets that back. Returns whether Redis knows the session. [R12] */
async function giveBack({ log, checkpoints }: Journals, sessionId: string): Promise<boolean> {
  const redis = await log?.peek(sessionId);
  if (redis?.kind !== 'taken') return false;
  // With its term: were the count to begin anew, an epoch that begins without Redis would look older than the one it follows.
  const { epoch, snapshot, term } = redis;
  await checkpoints.create({ sessionId, epoch, snapshot, retentionMs, term });
  return true;
}

async function claimPostgres(
  checkpoints: Journal,
  claim: Claim,
): Promise<Recovered | 'away' | Gone | { readonly kind: 'absent' } | { readonly kind: 'too-new' }> {
  const claimed = await unlessAway(checkpoints.takeOver(claim));
  if (claimed === 'away') return 'away';
  if (claimed.kind === 'outrun') throw new FencedError('A newer owner is there.');
  return claimed;
}

/** What Redis does not know may well be in Postgres: then nobody can say, and whoever owns the session goes on. */
async function claimRedisAlone(
  log: Journal,
  claim: Claim,
  isEnough: (redis: Recovered) => boolean,
): Promise<Claimed> {
  const held = await log.peek(claim.sessionId);
  if (held.kind !== 'taken' || !isWhole(held) || !isEnough(held)) return away();
  const redis = await log.takeOver(claim);
  if (redis.kind === 'too-new') return { kind: 'too-new' };
  if (redis.kind === 'outrun') throw new FencedError('A newer owner is there.');
  if (redis.kind !== 'taken' || !isWhole(redis) || !isEnough(redis)) return away();
  return { kind: 'redis', redis };
}

/**
 * After a restart of Redis a suffix may be missing, and only Postgres could begin a new epoch. Before anything was appended there,
 * Postgres may have been the log of this very epoch.
 */
const isWhole = ({ isContinuous, isLog }: Recovered): boolean => isContinuous && isLog;

/** Nobody can say what the session is. */
export function away(): never {
  throw new StoreUnavailableError('Postgres', 'the session cannot be known without it');
}

export async function unlessAway<Result>(asked: Promise<Result>): Promise<Result | 'away'> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return 'away';
    throw error;
  }
}
