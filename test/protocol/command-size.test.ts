import fc from 'fast-check';
import { expect, test } from 'vitest';

import { encodeFrame } from '../../shared/protocol/codec.ts';
import { fittingCount } from '../../shared/protocol/command-size.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { commandHash } from '../../shared/session/fold.ts';

const bytesMax = 2_000;
const limits = { ...defaultLimits, frame_bytes_max: bytesMax };
const command = fc.tuple(fc.string({ maxLength: 64 }), fc.jsonValue(), fc.nat());

function frameBytes(some: readonly WireCommand[]): number {
  const [commands, hashes] = [[...some], some.map(commandHash)];
  return Buffer.byteLength(encodeFrame({ type: 'commands', seq: 1, commands, hashes }));
}

test('[B1] [C8] the commands that fit make a frame within its bound, with the hashes of all of them', () => {
  const some = fc.array(command, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(some, (commands) => {
      const count = fittingCount(commands, limits);
      // One goes alone, however large it is.
      expect(count === 1 || frameBytes(commands.slice(0, count)) <= bytesMax).toBe(true);
    }),
    { endOnFailure: true },
  );
  // The shorter they are, the more of a frame are hashes.
  const shortest = Array.from({ length: 200 }, (): WireCommand => ['a', 0, 0]);
  const count = fittingCount(shortest, limits);
  expect(frameBytes(shortest.slice(0, count))).toBeLessThanOrEqual(bytesMax);
  expect(frameBytes(shortest.slice(0, count + 10))).toBeGreaterThan(bytesMax);
});

test('[B3] a frame has no more commands than a server takes, and one at least, however large it is', () => {
  const large: WireCommand = ['a', 'x'.repeat(3_000), 0];
  expect(fittingCount([large, large], limits)).toBe(1);
  const many = Array.from({ length: 9 }, (): WireCommand => ['a', 0, 0]);
  expect(fittingCount(many, { ...limits, frame_commands_max: 5 })).toBe(5);
});
