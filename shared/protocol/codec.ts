/** Text ⇄ frames: the only place where frames are parsed. After this wall their types are true. */
import * as v from 'valibot';

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
  return decode(clientFrameSchema, text);
}

/** Throws ProtocolError `bad-frame` or `unknown-frame`; unknown fields are ignored so that a newer server may add some. [H7] */
export function decodeServerFrame(text: string): ServerFrame {
  return decode(serverFrameSchema, text);
}

export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

/** An entry as it stands in the log, in checkpoints and in frames: written once, copied from there on. */
export function encodeEntry(entry: Entry): string {
  return JSON.stringify(entry);
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

function decode<Schema extends FrameSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseJson(text), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? '';
  if (path === 'type' && issue.type === 'variant')
    throw new ProtocolError('unknown-frame', 'There is no frame of that type.');
  // What came is not repeated: it may be long, or secret.
  const expected = issue.expected === null ? 'not valid' : `expected ${issue.expected}`;
  throw new ProtocolError('bad-frame', `${path === '' ? 'frame' : path}: ${expected}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProtocolError('bad-frame', 'A frame is one JSON object.');
  }
}
