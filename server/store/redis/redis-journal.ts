/** The journal on Redis: the write-ahead log. Fast and disposable; every rule that must hold is inside its scripts. */
import { Cluster } from 'ioredis';
import * as v from 'valibot';

import { groupCommit, type GroupBounds } from '../group-commit.ts';
import { StoreUnavailableError, type AppendResult, type Batch, type Journal } from '../journal.ts';
import { parseEntriesAfter, parseSnapshot } from '../stored-json.ts';
import appendScript from './append.lua';
import { isConnected, lookForMasters, type RedisClient } from './connect-redis.ts';
import forgetScript from './forget.lua';
import { keptMs, sessionKeys } from './keys.ts';
import startEpochScript from './start-epoch.lua';
import takeOverScript from './take-over.lua';
import trimScript from './trim.lua';

type Argument = string | number | Buffer;
type Script = (...args: Argument[]) => Promise<unknown>;

/** What one append needs. */
type Append = Pick<Batch, 'sessionId' | 'ownerId' | 'epoch' | 'prev' | 'head' | 'entries'>;

/** Of one call: some 2 ms of Redis' time. */
const groupBounds: GroupBounds<Append> = {
  countMax: 100,
  charsMax: 1_000_000,
  charsOf: ({ entries }) => entries.length,
};

const appendResults = ['appended', 'fenced', 'behind', 'absent'] as const;
const appendReply = v.picklist(appendResults);
const takenReply = v.union([
  v.tuple([v.picklist(['absent', 'too-new'])]),
  v.tuple([v.literal('outrun'), v.number()]),
  v.tupleWithRest(
    [v.literal('taken'), v.number(), v.string(), v.number(), v.number(), v.string()],
    v.string(),
  ),
]);

export function redisJournal(redis: RedisClient): Journal {
  const script = (name: string, numberOfKeys: number | undefined, lua: string): Script => {
    redis.defineCommand(name, { lua, ...(numberOfKeys !== undefined && { numberOfKeys }) });
    const command: unknown = Reflect.get(redis, name);
    if (typeof command !== 'function') throw new Error(`ioredis did not define ${name}.`);
    return (...args) => asking(redis, () => Reflect.apply(command, redis, args));
  };
  const takeOver = script('trackstandTakeOver', 3, takeOverScript);
  const append = appender(redis, script('trackstandAppend', undefined, appendScript));
  const startEpoch = script('trackstandStartEpoch', 3, startEpochScript);
  const trim = script('trackstandTrim', 3, trimScript);
  const forget = script('trackstandForget', 3, forgetScript);

  return {
    takeOver: async ({ sessionId, ownerId, term, versions }) => {
      const { meta, log, snapshot } = sessionKeys(sessionId);
      const known = JSON.stringify(versions);
      const reply = await takeOver(meta, log, snapshot, ownerId, term ?? '', known);
      return readTaken(v.parse(takenReply, reply));
    },
    append,
    confirm: (place) => append({ ...place, prev: place.head, entries: '' }),
    startEpoch: async ({ sessionId, ownerId, term, epoch, snapshot }) => {
      const keys = sessionKeys(sessionId);
      const { offset, kind, version } = snapshot;
      const args = [ownerId, term, epoch, offset, JSON.stringify(snapshot), kind, version];
      const reply = await startEpoch(keys.meta, keys.log, keys.snapshot, ...args, keptMs);
      return v.parse(appendReply, reply);
    },
    trim: async ({ sessionId, ownerId, epoch, snapshot }) => {
      const keys = sessionKeys(sessionId);
      const text = JSON.stringify(snapshot);
      const args = [ownerId, epoch, snapshot.offset, text, keptMs];
      return v.parse(appendReply, await trim(keys.meta, keys.log, keys.snapshot, ...args));
    },
    archive: async ({ sessionId, ownerId, epoch, snapshot: { offset } }) => {
      const { meta, log, snapshot } = sessionKeys(sessionId);
      return v.parse(appendReply, await forget(meta, log, snapshot, ownerId, epoch, offset));
    },
    peek: async (sessionId) => {
      const { meta, log, snapshot } = sessionKeys(sessionId);
      const reply = v.parse(takenReply, await takeOver(meta, log, snapshot, '', '', '{}'));
      const read = readTaken(reply);
      return read.kind === 'taken' ? read : { kind: 'absent' };
    },
  };
}

/** In a cluster each session goes alone: a script has all its keys in one slot. */
function appender(redis: RedisClient, script: Script): (append: Append) => Promise<AppendResult> {
  const carryOut = async (appends: readonly Append[]): Promise<readonly unknown[]> => {
    const keys = appends.map(({ sessionId }) => sessionKeys(sessionId));
    const reply = await script(
      2 * appends.length,
      ...keys.flatMap(({ meta, log }) => [meta, log]),
      ...appends.flatMap(({ ownerId, epoch, prev, head, entries }) => [
        ownerId,
        epoch,
        prev,
        head,
        // As bytes: of a long text Node takes three times the memory to write it, from the system and page by page.
        Buffer.from(entries),
      ]),
    );
    return v.parse(v.pipe(v.array(v.string()), v.length(appends.length)), reply);
  };
  const one = async (append: Append): Promise<unknown> => (await carryOut([append]))[0];
  const ask = redis instanceof Cluster ? one : groupCommit(carryOut, groupBounds);
  return async (append) => {
    const answer = await ask(append);
    const result = appendResults.find((known) => known === answer);
    if (result === undefined) throw new StoreUnavailableError('Redis', String(answer));
    return result;
  };
}

function readTaken(
  reply: v.InferOutput<typeof takenReply>,
): Awaited<ReturnType<Journal['takeOver']>> {
  if (reply[0] === 'outrun') return { kind: 'outrun', term: reply[1] };
  if (reply[0] !== 'taken') return { kind: reply[0] };
  const [, term, epoch, continuous, appended, snapshotText, ...batches] = reply;
  try {
    const snapshot = parseSnapshot(snapshotText);
    return {
      kind: 'taken',
      term,
      epoch,
      isContinuous: continuous === 1,
      isLog: appended === 1,
      snapshot,
      entries: parseEntriesAfter(snapshot.offset, batches),
    };
  } catch {
    // What cannot be read is lost, as if Redis had been emptied: Postgres and the clients bring it back.
    return { kind: 'absent' };
  }
}

/** ioredis rejects with errors of many classes; for a journal they all mean: not known whether it landed. */
async function asking(redis: RedisClient, ask: () => unknown): Promise<unknown> {
  if (!isConnected(redis)) throw new StoreUnavailableError('Redis', 'it is not connected');
  try {
    return await ask();
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (name !== 'ReplyError') lookForMasters(redis);
    // Every node answers and none of them has the session's keys together. ioredis says so in words alone.
    const isAboutSession = message.startsWith('Too many Cluster redirections');
    // The message alone: ioredis hangs the command to its errors, which may be the one that logs in.
    throw new StoreUnavailableError('Redis', message, { isAboutSession });
  }
}
