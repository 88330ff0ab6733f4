import { expect, test } from 'vitest';

import { WireEar } from './wire-ear.ts';

const frame = (type: string, fields: object): string => JSON.stringify({ type, ...fields });
const welcome = frame('welcome', {
  result: 'resumed',
  epoch: '1-a',
  accepted: 0,
  checkpointed: 0,
  head: 4,
});

function listening(): WireEar {
  const ear = new WireEar(new Map(), {
    found: (_kind, sentence) => {
      throw new Error(sentence);
    },
    toldCheckpointed: () => {},
    note: () => {},
  });
  ear.opened(1);
  ear.sent(1, frame('hello', { incarnation: 'i', position: { epoch: '1-a', offset: 4 } }));
  ear.heard(1, welcome, 0);
  return ear;
}

const entry = frame('entries', { accepted: 0, checkpointed: 0, entries: [{ offset: 5 }] });

test('a connection on which nobody says hello takes nothing from what is known of the log', () => {
  const ear = listening();
  ear.opened(2);
  ear.heard(1, entry, 0);
  expect(ear.head).toEqual({ epoch: '1-a', offset: 5 });
});

test('the newest connection that was welcomed tells where the log ends, whatever an older one says late', () => {
  const ear = listening();
  ear.opened(2);
  ear.sent(2, frame('hello', { incarnation: 'i', position: { epoch: '1-a', offset: 4 } }));
  ear.heard(2, welcome, 0);
  ear.heard(1, entry, 0);
  expect(ear.head).toEqual({ epoch: '1-a', offset: 4 });
});
