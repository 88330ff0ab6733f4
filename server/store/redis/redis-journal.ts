/** The journal on Redis: the write-ahead log. Fast and disposable; every rule that must hold is inside its scripts. */
import { Cluster } from 'ioredis';
import * as v from 'valibot';

import { StoreUnavailableError, type Journal } from '../journal.ts';
import { parseEntriesAfter, parseSnapshot } from '../stored-json.ts';
import appendScript from './append.lua';
import { isConnected, lookForMasters, type RedisClient } from './connect-redis.ts';
import forgetScript from './forget.lua';
import {
  groupedScript,
  readResult,
  results,
  type Script,
  type ScriptBounds,
} from './grouped-script.ts';
import { keptMs, sessionKeys } from './keys.ts';
import startEpochScript from './start-epoch.lua';
import takeOverScript from './take-over.lua';
import trimScript from './trim.lua';

/** Some 2 ms of Redis' time. */
const appendBounds: ScriptBounds = { countMax: 100, charsMax: 1_000_000 };

/** Some 1 ms: sessions that began together are saved together, and appends have to come between. */
const trimBounds: ScriptBounds = { countMax: 20, charsMax: 200_000 };

/** A log has what Postgres lacks, some entries, or 5,000 at most: a megabyte, and 2 ms of Redis' time for each of them. */
const takeOverBounds: ScriptBounds = { countMax: 20, charsMax: Infinity };

const appendReply = v.picklist(results);
const takenReply = v.union([
  v.tuple([v.picklist(['absent', 'too-new'])]),
  v.tuple([v.literal('outrun'), v.number()]),
  v.tupleWithRest(
    [v.literal('taken'), v.number(), v.string(), v.number(), v.number(), v.string()],
    v.string(),
  ),
]);

export function redisJournal(redis: RedisClient): Journal {
  const { takeOver, append, startEpoch, trim, forget, keepsEmptyLog } = scriptsOf(redis);
  return {
    takeOver: async ({ sessionId, ownerId, term, versions }) => {
      const { meta, log, snapshot } = sessionKeys(sessionId);
      const args = [ownerId, term ?? ''];
      const text = JSON.stringify(versions);
      return readTaken(await takeOver({ sessionId, keys: [meta, log, snapshot], args, text }));
    },
    append: ({ sessionId, ownerId, epoch, prev, head, entries }) => {
      const { meta, log } = sessionKeys(sessionId);
      const place = placeOf(ownerId, epoch, prev, head);
      return append({ sessionId, keys: [meta, log], args: [place], text: entries.join(',') });
    },
    // As an append of nothing.
    confirm: ({ sessionId, ownerId, epoch, head }) => {
      const { meta, log } = sessionKeys(sessionId);
      const place = placeOf(ownerId, epoch, head, head);
      return append({ sessionId, keys: [meta, log], args: [place], text: '' });
    },
    startEpoch: async ({ sessionId, ownerId, term, epoch, snapshot }) => {
      const keys = sessionKeys(sessionId);
      const { offset, kind, version } = snapshot;
      const args = [ownerId, term, epoch, offset, JSON.stringify(snapshot), kind, version];
      const reply = await startEpoch(
        keys.meta,
        keys.log,
        keys.snapshot,
        ...args,
        keptMs,
        keepsEmptyLog,
      );
      return v.parse(appendReply, reply);
    },
    trim: ({ sessionId, ownerId, epoch, snapshot }) => {
      const { meta, log, snapshot: place } = sessionKeys(sessionId);
      const args = [ownerId, epoch, snapshot.offset];
      return trim({ sessionId, keys: [meta, log, place], args, text: JSON.stringify(snapshot) });
    },
    archive: async ({ sessionId, ownerId, epoch, snapshot: { offset } }) => {
      const { meta, log, snapshot } = sessionKeys(sessionId);
      return v.parse(appendReply, await forget(meta, log, snapshot, ownerId, epoch, offset));
    },
    peek: async (sessionId) => {
      const { meta, log, snapshot } = sessionKeys(sessionId);
      const keys = [meta, log, snapshot];
      const held = readTaken(await takeOver({ sessionId, keys, args: ['', ''], text: '{}' }));
      return held.kind === 'taken' ? held : { kind: 'absent' };
    },
  };
}

/** One argument in the place of four: of an append with a few entries they would be half of what the client writes. */
const placeOf = (ownerId: string, epoch: string, prev: number, head: number): string =>
  `${prev} ${head} ${epoch} ${ownerId}`;

function scriptsOf(redis: RedisClient) {
  const script = (name: string, numberOfKeys: number | undefined, lua: string): Script => {
    redis.defineCommand(name, { lua, ...(numberOfKeys !== undefined && { numberOfKeys }) });
    const command: unknown = Reflect.get(redis, name);
    if (typeof command !== 'function') throw new Error(`ioredis did not define ${name}.`);
    return (...args) => asking(redis, () => Reflect.apply(command, redis, args));
  };
  // While a cluster moves a slot, it refuses scripts of which some keys are missing.
  const keepsEmptyLog = redis instanceof Cluster ? 1 : 0;
  const takeOver = groupedScript(redis, script('trackstandTakeOver', undefined, takeOverScript), {
    ...takeOverBounds,
    read: (answer) => (Array.isArray(answer) ? v.parse(takenReply, answer) : undefined),
  });
  const append = groupedScript(redis, script('trackstandAppend', undefined, appendScript), {
    ...appendBounds,
    read: readResult,
    shared: [keptMs],
  });
  const startEpoch = script('trackstandStartEpoch', 3, startEpochScript);
  const trim = groupedScript(redis, script('trackstandTrim', undefined, trimScript), {
    ...trimBounds,
    read: readResult,
    shared: [keptMs, keepsEmptyLog],
  });
  const forget = script('trackstandForget', 3, forgetScript);
  return { takeOver, append, startEpoch, trim, forget, keepsEmptyLog };
}

function readTaken(
  reply: v.InferOutput<typeof takenReply>,
): Awaited<ReturnType<Journal['takeOver']>> {
  if (reply[0] === 'outrun') return { kind: 'outrun', term: reply[1] };
  if (reply[0] !== 'taken') return { kind: reply[0] };
  const [, term, epoch, continuous, appended, snapshotText, ...batches] = reply;
  try {
    const snapshot = parseSnapshot(snapshotText);
    const entries = parseEntriesAfter(snapshot.offset, batches);
    return {
      kind: 'taken',
      term,
      epoch,
      isContinuous: continuous === 1,
      isLog: appended === 1,
      head: snapshot.offset + entries.length,
      snapshot,
      entries,
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
