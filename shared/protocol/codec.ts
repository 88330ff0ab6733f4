/** Text ⇄ frames: the only place where frames are parsed. After this wall their types are true. */
import * as v from 'valibot';

import { payloadHash } from '../payload-hash.ts';
import { plainCommands } from './commands-frame.ts';
import { ProtocolError } from './errors.ts';
import {
  clientFrameSchema,
  serverFrameSchema,
  type ClientFrame,
  type Entry,
  type ServerFrame,
} from './frames.ts';

/** Throws ProtocolError `bad-frame` or `unknown-frame`. [H7] */
export function decodeClientFrame(text: string): ClientFrame {
  const value = parseJson(text);
  return plainCommands(value) ?? checked(clientFrameSchema, value);
}

/** Throws ProtocolError `bad-frame` or `unknown-frame`; unknown fields are ignored so that a newer server may add some. [H7] */
export function decodeServerFrame(text: string): ServerFrame {
  return checked(serverFrameSchema, parseJson(text));
}

export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

/** A `commands` frame around commands that are encoded already. */
export function encodeCommandsFrame(seq: number, texts: readonly string[]): string {
  const hashes = texts.map(payloadHash).join('","');
  return `{"type":"commands","seq":${seq},"commands":[${texts.join(',')}],"hashes":["${hashes}"]}`;
}

/** Entries as they stand in the log, in checkpoints and in frames, with commas between: written once, copied from there on. */
export function encodeEntries(entries: readonly Entry[]): string {
  return JSON.stringify(entries).slice(1, -1);
}

/** An `entries` frame around entries that are encoded already. */
export function encodeEntriesFrame(
  { accepted, checkpointed }: { readonly accepted: number; readonly checkpointed: number },
  proof: string,
  encodedEntries: string,
): string {
  return `{"type":"entries","accepted":${accepted},"checkpointed":${checkpointed},"proof":"${proof}","entries":[${encodedEntries}]}`;
}

type FrameSchema = typeof clientFrameSchema | typeof serverFrameSchema;

function checked<Schema extends FrameSchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'frame';
  if (path === 'type' && issue.type === 'variant')
    throw new ProtocolError('unknown-frame', 'There is no frame of that type.');
  // What came is not repeated: it may be long, or secret.
  const expected = issue.expected === null ? 'not valid' : `expected ${issue.expected}`;
  throw new ProtocolError('bad-frame', `${path}: ${expected}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProtocolError('bad-frame', 'A frame is one JSON object.');
  }
}
