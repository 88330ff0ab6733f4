import { expect, test } from 'vitest';

import { moveSlots } from '../../server/lifecycle/drain.ts';
import { decodeServerFrame, encodeFrame } from '../../shared/protocol/codec.ts';

test('a moment to move is one that a client reads, whatever fraction of a millisecond has passed', () => {
  const next = moveSlots({ noticeMs: 0, movesPerS: 300, graceMs: 2_000 });
  const slots = Array.from({ length: 5 }, () => next(5, 0.7));
  for (const { slotMs, deadlineMs } of slots) {
    const frame = { type: 'goaway', slot_ms: slotMs, deadline_ms: deadlineMs } as const;
    expect(decodeServerFrame(encodeFrame(frame))).toEqual(frame);
  }
  expect(slots.map(({ slotMs }) => slotMs)).toEqual([0, 2, 5, 9, 12]);
});
