/** A script that does the same for many sessions, each by itself: what is asked meanwhile goes out together. */
import { Cluster } from 'ioredis';

import { groupCommit } from '../group-commit.ts';
import { StoreUnavailableError, type AppendResult } from '../journal.ts';
import { lookForMasters, type RedisClient } from './connect-redis.ts';

type Argument = string | number | Buffer;
export type Script = (...args: Argument[]) => Promise<unknown>;

/** What the script is told of one session. */
export interface ScriptPart {
  readonly sessionId: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** Its last argument: the one that may be long. */
  readonly text: string;
}

export interface ScriptBounds {
  /** Sessions in one call, which keeps all the others waiting. */
  readonly countMax: number;
  readonly charsMax: number;
}

/** Characters: to write a longer text Node takes three times the memory, and a shorter one it writes without any. See loadtest/NOTES.md. */
const textCharsMax = 4_096;

export const results = ['appended', 'fenced', 'behind', 'absent'] as const satisfies AppendResult[];

export const readResult = (answer: unknown): AppendResult | undefined =>
  results.find((known) => known === answer);

export interface ScriptUse<Result> extends ScriptBounds {
  /** What the script replied for a session; undefined when it is no reply of its, but the text of an error of Redis'. */
  readonly read: (answer: unknown) => Result | undefined;
  /** Arguments before those of the sessions. */
  readonly shared?: readonly Argument[];
}

/**
 * KEYS of the script are those of each session, ARGV `shared` and then what each brings; it replies with an array of answers, or of
 * what Redis said. In a cluster each session goes alone: a script has all its keys in one slot.
 */
export function groupedScript<Result>(
  redis: RedisClient,
  script: Script,
  { countMax, charsMax, read, shared = [] }: ScriptUse<Result>,
): (part: ScriptPart) => Promise<Result> {
  const carryOut = async (parts: readonly ScriptPart[]): Promise<readonly unknown[]> => {
    const reply = await script(...argumentsOf(parts, shared));
    if (Array.isArray(reply) && reply.length === parts.length) return reply;
    throw new Error('A script of Redis did not answer for each session.');
  };
  const one = async (part: ScriptPart): Promise<unknown> => (await carryOut([part]))[0];
  const ask =
    redis instanceof Cluster ? one : groupCommit(carryOut, { countMax, charsMax, charsOf });
  return async (part) => {
    const answer = await ask(part);
    const result = read(answer);
    if (result === undefined) throw refusal(redis, String(answer));
    return result;
  };
}

/** What Redis said of one session. Inside of an answer the client does not see that a master has become a replica. */
function refusal(redis: RedisClient, said: string): StoreUnavailableError {
  if (said.startsWith('READONLY')) lookForMasters(redis);
  return new StoreUnavailableError('Redis', said, { isAboutSession: said.startsWith('WRONGTYPE') });
}

const charsOf = ({ text }: ScriptPart): number => text.length;

/** By hand, as every event passes here: `flatMap` asks of each part whether it is an array, and of each value whether it is there. */
function argumentsOf(parts: readonly ScriptPart[], shared: readonly Argument[]): Argument[] {
  let chars = 0;
  const keys: string[] = [];
  for (const part of parts) {
    chars += part.text.length;
    for (const key of part.keys) keys.push(key);
  }
  const all: Argument[] = [keys.length, ...keys, ...shared];
  for (const { args, text } of parts) {
    for (const argument of args) all.push(argument);
    all.push(chars > textCharsMax ? Buffer.from(text) : text);
  }
  return all;
}
