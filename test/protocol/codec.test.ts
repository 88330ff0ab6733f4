import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

import { payloadHash } from '../../shared/payload-hash.ts';
import { closeClass, closeCodes } from '../../shared/protocol/close-codes.ts';
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeEntriesFrame,
  encodeFrame,
} from '../../shared/protocol/codec.ts';
import { plainCommands } from '../../shared/protocol/commands-frame.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import { clientFrameSchema, type WireCommand } from '../../shared/protocol/frames.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { wireHashes } from '../../shared/protocol/version.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const protocol = read('../../shared/protocol/PROTOCOL.md');

function codeOf(decode: () => unknown): string {
  try {
    decode();
    return 'no error';
  } catch (error) {
    return error instanceof ProtocolError ? error.code : 'another error';
  }
}

const hello = {
  type: 'hello',
  token: 't',
  incarnation: 'incarnation-0000000001',
  kind: 'tally',
  version: 1,
} as const;

describe('decoding', () => {
  test('[H7] text that is not JSON, not an object, or of no known type has its own code', () => {
    expect(codeOf(() => decodeClientFrame('{'))).toBe('bad-frame');
    expect(codeOf(() => decodeClientFrame('7'))).toBe('bad-frame');
    expect(codeOf(() => decodeClientFrame('{"type":"hullo"}'))).toBe('unknown-frame');
    expect(codeOf(() => decodeClientFrame('{}'))).toBe('unknown-frame');
  });

  test('[H7] a missing field and a wrong type are told by the name of the field', () => {
    expect(() => decodeClientFrame('{"type":"ping"}')).toThrow(/^n: /);
    expect(() => decodeClientFrame('{"type":"commands","seq":0,"commands":[]}')).toThrow(/^seq: /);
    const bad = JSON.stringify({ ...hello, position: { epoch: '0', offset: '3' } });
    expect(() => decodeClientFrame(bad)).toThrow(/^position.offset: /);
  });

  test('[H7] fields nobody knows are ignored', () => {
    const frame = decodeClientFrame(JSON.stringify({ ...hello, later: { a: 1 } }));
    expect(frame).toEqual(hello);
  });

  test('[H7] whatever bytes come, the answer is a frame or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(['bad-frame', 'unknown-frame', 'no error']).toContain(
          codeOf(() => decodeClientFrame(text)),
        );
      }),
    );
  });

  test('[C1] commands come back as they were encoded', () => {
    const command = fc.tuple(fc.string({ maxLength: 64 }), fc.jsonValue(), fc.nat());
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.array(command), (seq, commands) => {
        const text = encodeFrame({ type: 'commands', seq, commands });
        expect(decodeClientFrame(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('[H7] what is checked by hand is what the schema takes, no more and no less', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.integer(), fc.double(), fc.string());
    /** Mostly what belongs there: one thing that does not is enough to be refused. */
    const mostly = (usual: fc.Arbitrary<unknown>, unusual: fc.Arbitrary<unknown> = odd) =>
      fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: unusual });
    const name = mostly(fc.string({ maxLength: 64 }), fc.string({ minLength: 63, maxLength: 66 }));
    const number = mostly(fc.nat(), fc.integer({ min: -1, max: 2 ** 53 }));
    const command = mostly(
      fc.tuple(mostly(name), odd, mostly(number)),
      fc.oneof(fc.tuple(name, odd), fc.tuple(name, odd, fc.nat(), odd)),
    );
    const wrongHash = fc.constantFrom('', 'f'.repeat(15), 'F', ' a', 'a\n', 'g', '/', ':', '`', 5);
    const hash = mostly(fc.stringMatching(/^[0-9a-f]{1,14}$/), wrongHash);
    const exactly = (count: number) => ({ minLength: count, maxLength: count });
    const frame = fc.nat(4).chain((count) =>
      fc.record({
        type: mostly(fc.constant('commands')),
        seq: mostly(number),
        commands: mostly(fc.array(mostly(command), exactly(count))),
        hashes: fc.option(
          mostly(fc.array(hash, exactly(count)), fc.array(hash, { maxLength: 4 })),
          {
            nil: undefined,
          },
        ),
      }),
    );
    let [takenCount, hashedCount] = [0, 0];
    fc.assert(
      fc.property(frame, (value) => {
        const { success, output } = v.safeParse(clientFrameSchema, value);
        const taken = plainCommands(value);
        if (taken === undefined) return;
        takenCount += taken.commands.length;
        hashedCount += taken.hashes?.length ?? 0;
        expect(success).toBe(true);
        expect(taken).toEqual(output);
      }),
      { numRuns: 3_000, seed: 7 },
    );
    expect(takenCount).toBeGreaterThan(1_000);
    expect(hashedCount).toBeGreaterThan(500);
    const usual: WireCommand = ['add', { amount: 5 }, 0];
    const taken = (seq: number, ...commands: unknown[]): boolean =>
      plainCommands({ type: 'commands', seq, commands }) !== undefined;
    expect(taken(1, usual, ['a'.repeat(64), null, 2 ** 53 - 1])).toBe(true);
    expect(taken(0, usual)).toBe(false);
    for (const wrong of [
      ['a'.repeat(65), null, 0],
      ['add', null, -1],
      ['add', null],
      [1, null, 0],
    ])
      expect(taken(1, usual, wrong)).toBe(false);
  });

  test('[C8] [H7] hashes are one for each command, in 14 hexadecimal digits at most', () => {
    const commands: WireCommand[] = [
      ['add', { amount: 5 }, 0],
      ['add', { amount: 6 }, 0],
    ];
    const decoded = (...hashes: unknown[]) =>
      decodeClientFrame(JSON.stringify({ type: 'commands', seq: 1, commands, hashes }));
    expect(decoded('a', 'f'.repeat(14))).toMatchObject({ hashes: ['a', 'f'.repeat(14)] });
    for (const wrong of [
      [],
      ['a'],
      ['a', 'b', 'c'],
      ['a', ''],
      ['a', 'f'.repeat(15)],
      ['a', 1],
      ['a', 'g'],
    ])
      expect(codeOf(() => decoded(...wrong))).toBe('bad-frame');
  });

  test('[E1] an entries frame put together from encoded entries is the frame', () => {
    const entries = [{ offset: 1, writer: 0, seq: 1, at_ms: 2, hash: 'x', refused: 'no' }];
    const encoded = entries.map((entry) => JSON.stringify(entry)).join(',');
    const text = encodeEntriesFrame({ accepted: 1, checkpointed: 0 }, 'p', encoded);
    expect(decodeServerFrame(text)).toEqual({
      type: 'entries',
      accepted: 1,
      checkpointed: 0,
      proof: 'p',
      entries,
    });
  });
});

describe('what the document says', () => {
  test('[P2] its table of close codes is the one in the code, and each class is told by the range', () => {
    const rows = [...protocol.matchAll(/^\| (4\d{3}) \| ([a-z-]+) \|/gm)];
    const documented = Object.fromEntries(
      rows.map(([, code, name = '']) => [
        name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        Number(code),
      ]),
    );
    expect(documented).toEqual(closeCodes);
    expect([4000, 4099, 4100, 4199, 4200, 4299, 1000, 1006, 1012].map(closeClass)).toEqual([
      'stop',
      'stop',
      'back-off',
      'back-off',
      'come-back',
      'come-back',
      'back-off',
      'back-off',
      'back-off',
    ]);
  });

  test('[B1] its bounds are those in the code', () => {
    for (const [name, value] of Object.entries(defaultLimits))
      expect(protocol).toContain(`\`${name}\` (${value.toLocaleString('en')})`);
  });

  test('[P3] the frames have not changed under the name of a version', () => {
    const source = read('../../shared/protocol/frames.ts')
      .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
      .replaceAll(/\s+/g, ' ');
    const hash = createHash('sha256').update(source).digest('hex').slice(0, 16);
    expect(wireHashes['trackstand.v1'], 'frames.ts changed: see version.ts').toBe(hash);
  });

  test('[C8] the hash of a payload is the one the document defines', () => {
    // Pinned: a change would make every client diverge.
    expect(payloadHash('')).toBe('bdcb81aee8d83');
    expect(payloadHash('["add",{"amount":5}]')).toBe('4137e390b89f7');
    expect(payloadHash('["add",{"amount":6}]')).not.toBe(payloadHash('["add",{"amount":5}]'));
    // With zeros in front, which are not written.
    expect(payloadHash('zeros 1037')).toBe('baf572d6c2');
    expect(payloadHash('zeros 6295886')).toBe('dc3d6116');
  });
});
