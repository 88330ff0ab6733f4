import { describe, expect, test } from 'vitest';

import { greetingCounts, type Greeting } from '../../server/gateway/greeting-counts.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';

/** What is counted after one connection ended so. */
const after = (code: number, greeting: Greeting) => {
  const { ended, counts } = greetingCounts();
  ended(code, greeting);
  return counts([]);
};
const unwelcomed = { welcomed: 0, unwelcomed: 1 };
const neither = { welcomed: 0, unwelcomed: 0 };

describe('[H4] connections that were welcomed, and that should have been', () => {
  test('[H4] an instance that ends one before its welcome did not welcome it, whatever it says', () => {
    const { internal, storeUnavailable, forbidden, unknownSession } = closeCodes;
    for (const code of [internal, storeUnavailable, forbidden, unknownSession])
      expect([after(code, 'awaited'), after(code, 'asked')]).toEqual([unwelcomed, unwelcomed]);
  });

  test('[H4] who gives up after a proven hello was kept waiting', () => {
    for (const code of [1000, 1005, 1006]) {
      expect(after(code, 'asked')).toEqual(unwelcomed);
      expect(after(code, 'awaited')).toEqual(neither);
    }
    expect(after(closeCodes.heartbeatMissed, 'awaited')).toEqual(neither);
  });

  test('[H6] an answer that tells the client what it must do is none of an instance that fails', () => {
    const { clientTooOld, clientTooNew, schemaTooNew, gone, replaced, diverged } = closeCodes;
    for (const code of [clientTooOld, clientTooNew, schemaTooNew, gone, replaced, diverged])
      expect([after(code, 'awaited'), after(code, 'asked')]).toEqual([neither, neither]);
  });

  test('[H4] those that are still open count as soon as they are welcomed', () => {
    const { ended, counts } = greetingCounts();
    ended(1006, 'welcomed');
    expect(counts([{ greeting: 'welcomed' }, { greeting: 'asked' }])).toEqual({
      welcomed: 2,
      unwelcomed: 0,
    });
  });
});
