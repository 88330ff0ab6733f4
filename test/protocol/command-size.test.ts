import fc from 'fast-check';
import { expect, test } from 'vitest';

import { encodeCommandsFrame, encodeFrame } from '../../shared/protocol/codec.ts';
import { fittingCount, sizeFault } from '../../shared/protocol/command-size.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { commandHash } from '../../shared/session/fold.ts';

const bytesMax = 2_000;
const limits = { ...defaultLimits, frame_bytes_max: bytesMax };
const command = fc.tuple(fc.string({ maxLength: 64 }), fc.jsonValue(), fc.nat());

const textsOf = (some: readonly WireCommand[]): readonly string[] =>
  some.map((one) => JSON.stringify(one));

function frameBytes(some: readonly WireCommand[]): number {
  const [commands, hashes] = [[...some], some.map(commandHash)];
  return Buffer.byteLength(encodeFrame({ type: 'commands', seq: 1, commands, hashes }));
}

test('[B1] [C8] the commands that fit make a frame within its bound, with the hashes of all of them', () => {
  const some = fc.array(command, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(some, (commands) => {
      const count = fittingCount(textsOf(commands), limits);
      // One goes alone, however large it is.
      expect(count === 1 || frameBytes(commands.slice(0, count)) <= bytesMax).toBe(true);
    }),
    { endOnFailure: true },
  );
  // The shorter they are, the more of a frame are hashes.
  const shortest = Array.from({ length: 200 }, (): WireCommand => ['a', 0, 0]);
  const count = fittingCount(textsOf(shortest), limits);
  expect(frameBytes(shortest.slice(0, count))).toBeLessThanOrEqual(bytesMax);
  // What they say is taken for three bytes a character; half of the frame is used at least.
  expect(frameBytes(shortest.slice(0, 2 * count))).toBeGreaterThan(bytesMax);
});

test('[C8] a frame of commands that are written already is the one that would be written of them', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 1 }), fc.nat(), (commands, seq) => {
      const hashes = commands.map(commandHash);
      expect(encodeCommandsFrame(seq, textsOf(commands))).toBe(
        encodeFrame({ type: 'commands', seq, commands, hashes }),
      );
    }),
  );
});

test('[B2] a command is as large as its JSON in UTF-8', () => {
  const data = (text: string, room: number): string =>
    text.repeat((limits.command_bytes_max - 2 - room) / Buffer.byteLength(text));
  for (const [text, bytes] of [
    ['a', 1],
    ['é', 2],
    ['🚲', 4],
  ] as const) {
    expect(sizeFault(data(text, 0), limits)).toBeUndefined();
    expect(sizeFault(data(text, 0) + text, limits)).toBe('A command has 16384 bytes at most.');
    expect(Buffer.byteLength(text)).toBe(bytes);
  }
});

test('[B3] a frame has no more commands than a server takes, and one at least, however large it is', () => {
  const large: WireCommand = ['a', 'x'.repeat(3_000), 0];
  expect(fittingCount(textsOf([large, large]), limits)).toBe(1);
  const many = Array.from({ length: 9 }, (): WireCommand => ['a', 0, 0]);
  expect(fittingCount(textsOf(many), { ...limits, frame_commands_max: 5 })).toBe(5);
});
