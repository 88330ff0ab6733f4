import { describe, expect, test } from 'vitest';

import {
  receiptNote,
  statusBadge,
  stopNotice,
  type LinkView,
} from '../../client/app/status-text.ts';
import type { ResumeReceipt } from '../../client/status.ts';

const receipt: ResumeReceipt = { gapMs: 420, replayed: 0, resent: 2, lost: 0, result: 'resumed' };
const connected: LinkView = {
  status: 'connected',
  unsaved: 0,
  unaccepted: 0,
  receipt,
  unkept: 0,
  stopReason: undefined,
};

function said(link: Partial<LinkView>, isRiding = true): string {
  const { label, detail } = statusBadge({ ...connected, ...link }, isRiding);
  return detail === '' ? label : `${label}, ${detail}`;
}

describe('the badge', () => {
  test('says saved without a qualification only when all is saved', () => {
    expect(said({})).toBe('saved');
    expect(said({ unsaved: 4 })).toBe('saved, last 4 s on the way');
  });

  test('says recorded when saving falls behind', () => {
    expect(said({ unsaved: 13 })).toBe('recorded, 13 seconds not yet saved');
  });

  test('says that all is only here when the service accepts nothing', () => {
    expect(said({ unsaved: 60, unaccepted: 50 })).toBe('kept here, 50 seconds to deliver');
  });

  test('tells a first connection from one that was lost', () => {
    expect(said({ status: 'reconnecting', receipt: undefined }, false)).toBe('connecting…');
    expect(said({ status: 'reconnecting' })).toBe('reconnecting…, the ride goes on');
  });

  test('counts what is to be delivered while there is no connection', () => {
    expect(said({ status: 'offline', unaccepted: 1 })).toBe('riding offline, 1 second to deliver');
    expect(said({ status: 'offline', unaccepted: 754 })).toBe(
      'riding offline, 754 seconds to deliver',
    );
  });

  test('claims no ride while nobody rides', () => {
    expect(said({ status: 'offline' }, false)).toBe('offline');
    expect(said({ status: 'reconnecting' }, false)).toBe('reconnecting…');
  });

  test('stays calm in a move', () => {
    expect(said({ status: 'moving' })).toBe('saved, moving to another server');
    expect(statusBadge({ ...connected, status: 'moving' }, true).tone).toBe('good');
  });

  test('claims nothing once the session has stopped here', () => {
    expect(said({ status: 'stopped', stopReason: 'taken-over' })).toBe('not connected');
  });
});

describe('the note after a break', () => {
  test('says how long it was and that nothing is lost', () => {
    expect(receiptNote(receipt, 'back')).toBe('back after 0.4 s, nothing lost');
    expect(receiptNote({ ...receipt, gapMs: 0 }, 'back')).toBe(
      'moved to another server, nothing lost',
    );
  });

  test('says openly what is lost', () => {
    expect(receiptNote({ ...receipt, lost: 5, result: 'rebuilt' }, 'back')).toBe(
      'back after 0.4 s, 5 seconds could not be recovered',
    );
  });

  test('tells a rebuild', () => {
    expect(receiptNote({ ...receipt, result: 'rebuilt' }, 'back')).toBe(
      'back after 0.4 s, rebuilt with nothing lost',
    );
  });

  test('is silent when a ride begins, and welcomes back after a refresh', () => {
    expect(receiptNote({ ...receipt, result: 'new' }, 'begun')).toBeNull();
    expect(receiptNote(receipt, 'taken-up')).toBe('back in your ride, nothing lost');
  });
});

test('a ride that another tab took over can be taken back', () => {
  expect(stopNotice('taken-over').offer).toBe('take-over');
  expect(stopNotice('unknown-session').offer).toBe('new-ride');
  expect(stopNotice('page-too-old').offer).toBe('reload');
  expect(stopNotice('session-gone', 'gone').sentence).toContain('time of this ride is over');
  expect(stopNotice('session-gone', 'deleted').sentence).toContain('deleted together with');
  expect(stopNotice(undefined).offer).toBe('reload');
});
