import { createHmac } from 'node:crypto';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { hmacSha256 } from '../../server/auth/hmac-sha256.ts';

const nodes = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url');

test('texts and keys of any length and script have the HMAC that Node has for them', () => {
  const lengths = { minLength: 0, maxLength: 1_100 };
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.array(fc.string({ ...lengths, unit: 'binary' }), { maxLength: 5 }),
      (bytes, texts) => {
        const key = Buffer.from(bytes);
        const hmac = hmacSha256(key);
        // One after the other: nothing of a text is left for the next one.
        for (const text of texts) expect(hmac(text)).toBe(nodes(key, text));
      },
    ),
  );
});

test.each([63, 64, 65])(
  'a key of %i bytes is a block, or its hash where it is longer',
  (length) => {
    const key = Buffer.alloc(length, 'k');
    expect(hmacSha256(key)('text')).toBe(nodes(key, 'text'));
  },
);

test('what another wrote into its key afterwards changes nothing', () => {
  const key = Buffer.from('a secret of thirty-two characters or more');
  const hmac = hmacSha256(key);
  const before = hmac('text');
  key.fill(0);
  expect(hmac('text')).toBe(before);
});
