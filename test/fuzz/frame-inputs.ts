/** What is sent over a WebSocket: right frames, almost right ones, recorded ones with bytes changed, and noise. */
import fc, { type Arbitrary } from 'fast-check';

import { checkSize } from '../../server/gateway/command-size.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { decodeClientFrame } from '../../shared/protocol/codec.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import {
  clientFrameSchema,
  hashPattern,
  type ClientFrame,
  type WireCommand,
} from '../../shared/protocol/frames.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { commandHash } from '../../shared/session/fold.ts';
import { workoutCommands } from '../../shared/workout/workout-schemas.ts';
import { bytesMutated, mutated } from './mutation.ts';
import { valuesOf, type AnySchema } from './schema-arbitrary.ts';

/** One frame as it goes out; `base64` where the bytes are no text. */
export type FrameInput =
  | { readonly text: string }
  | { readonly base64: string; readonly isBinary: boolean };

/** What one connection sends, after a right hello or without. */
export interface WireCase {
  readonly kind: 'wire';
  readonly isGreeted: boolean;
  readonly inputs: readonly FrameInput[];
}

/** Stands for the seq that is next when it is sent, and one that is off by little. */
export const nextSeq = 7_770_000_000;

// A schema is read as data here, which its type hides: so are those below.
const frameSchema = clientFrameSchema as unknown as AnySchema;
const ofType = (...types: readonly string[]): Arbitrary<unknown> =>
  fc.oneof(
    ...((frameSchema.options ?? []) as AnySchema[])
      .filter(({ entries }) => types.includes(String(entries?.['type']?.literal)))
      .map(valuesOf),
  );

const command = fc.oneof(
  ...Object.entries(workoutCommands).map(([name, schema]) =>
    fc.tuple(fc.constant(name), valuesOf(schema as unknown as AnySchema), fc.nat(2_000_000_000)),
  ),
);
/** Without hashes, with theirs, and with one that no client would compute. */
const hashesOf = (commands: readonly WireCommand[]): Arbitrary<readonly string[] | undefined> =>
  fc.oneof(
    fc.constantFrom(undefined, commands.map(commandHash)),
    fc.stringMatching(hashPattern).map((odd) => commands.map(() => odd)),
  );
const rightCommands = fc
  .array(command, { minLength: 1, maxLength: 3 })
  .chain((commands) => hashesOf(commands).map((hashes) => ({ commands, hashes })))
  .map((run) => ({ type: 'commands', seq: nextSeq, ...run }));
const oddCommands = fc.tuple(ofType('commands'), fc.nat(4)).map(([frame, off]) => {
  const { seq } = frame as { seq: number };
  return { ...(frame as object), seq: off === 0 ? seq : nextSeq + off - 2 };
});
const asText = (frames: Arbitrary<unknown>): Arbitrary<FrameInput> =>
  frames.map((frame) => ({ text: JSON.stringify(frame) ?? '' }));

const right = asText(
  fc.oneof(
    { weight: 6, arbitrary: rightCommands },
    { weight: 2, arbitrary: oddCommands },
    { weight: 2, arbitrary: ofType('ping', 'pong') },
  ),
);

const hello = ofType('hello').map((frame) => ({
  ...(frame as object),
  kind: 'workout',
  version: 1,
  token: '$TOKEN',
}));

/** `recorded`: frames of real clients. */
export function wireCases(recorded: readonly string[]): Arbitrary<WireCase> {
  const bytes = bytesMutated(fc.constantFrom(...recorded));
  const broken: Arbitrary<FrameInput> = fc.oneof(
    {
      weight: 8,
      arbitrary: asText(
        mutated(fc.oneof(rightCommands, ofType('ping', 'pong', 'bye', 'commands'))),
      ),
    },
    { weight: 3, arbitrary: asText(mutated(hello)) },
    { weight: 3, arbitrary: asText(fc.oneof(hello, ofType('bye', 'hello', 'remind'))) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(bytes, fc.boolean())
        .map(([data, isBinary]) => ({ base64: data.toString('base64'), isBinary })),
    },
    { weight: 2, arbitrary: fc.string({ unit: 'binary' }).map((text) => ({ text })) },
    { weight: 1, arbitrary: asText(fc.jsonValue()) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: 130_000 })
        .map((depth) => ({ text: '['.repeat(depth) + ']'.repeat(depth) })),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 60_000 }).map((depth) => ({
        text: `{"type":"commands","seq":${nextSeq},"commands":[["lap",${'['.repeat(depth)}${']'.repeat(depth)},1]]}`,
      })),
    },
  );
  const long = fc.array(right, { minLength: 30, maxLength: 80 });
  const short = fc
    .tuple(fc.array(right, { maxLength: 3 }), broken)
    .map(([before, last]) => [...before, last]);
  return fc.record({
    kind: fc.constant('wire' as const),
    isGreeted: fc.nat(9).map((roll) => roll > 2),
    inputs: fc.oneof({ weight: 1, arbitrary: long }, { weight: 2, arbitrary: short }),
  });
}

/** The codes one of which must follow this input, when it must end the connection. */
export function endingOf(input: FrameInput, isGreeted: boolean): readonly number[] | undefined {
  const bytes = 'text' in input ? Buffer.from(input.text) : Buffer.from(input.base64, 'base64');
  if (bytes.length > defaultLimits.frame_bytes_max) return [1009];
  if ('isBinary' in input && input.isBinary) return [closeCodes.protocolError];
  const text = bytes.toString('utf8');
  // Bytes that are no UTF-8 are no text: RFC 6455 has a code of its own.
  if (!Buffer.from(text).equals(bytes)) return [1007];
  const frame = decoded(text);
  if (frame === undefined) return [closeCodes.protocolError];
  // Nothing was forgotten here that a client could remind of.
  if (frame.type === 'remind') return [closeCodes.protocolError];
  if (frame.type === 'bye') return [closeCodes.left];
  if (frame.type === 'hello') return isGreeted ? [closeCodes.protocolError] : undefined;
  if (frame.type !== 'commands') return undefined;
  return !isGreeted || isTooLarge(frame.commands, text.length)
    ? [closeCodes.protocolError]
    : undefined;
}

function isTooLarge(commands: readonly WireCommand[], frameChars: number): boolean {
  try {
    checkSize(commands, frameChars, defaultLimits);
    return false;
  } catch (error) {
    if (error instanceof ProtocolError) return true;
    throw error;
  }
}

function decoded(text: string): ClientFrame | undefined {
  try {
    return decodeClientFrame(text);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
