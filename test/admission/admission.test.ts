import { describe, expect, test } from 'vitest';

import { addressKey } from '../../server/admission/address-key.ts';
import { countConnections } from '../../server/admission/connection-counts.ts';
import { createQuota } from '../../server/admission/quota.ts';
import { manualClock } from '../support/manual-clock.ts';

describe('what counts as one address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
    ['2001:db8:0000:0001::', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, 'local'],
  ])('%s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe('a quota', () => {
  test('as many at once as an hour, and then one after the other', () => {
    const clock = manualClock();
    const quota = createQuota(clock, 60);
    for (let count = 0; count < 60; count++) expect(quota.take('a')).toBeUndefined();
    expect(quota.take('a')).toBe(60);
    expect(quota.take('b')).toBeUndefined();
    clock.pass(59_000);
    expect(quota.take('a')).toBe(1);
    clock.pass(1_000);
    expect(quota.take('a')).toBeUndefined();
    expect(quota.take('a')).toBe(60);
  });

  test('whoever is refused is not kept waiting longer for having asked', () => {
    const clock = manualClock();
    const quota = createQuota(clock, 1);
    quota.take('a');
    for (let count = 0; count < 10; count++) quota.take('a');
    clock.pass(3_600_000);
    expect(quota.take('a')).toBeUndefined();
  });

  test('of more addresses than it remembers the one unseen for longest is forgotten', () => {
    const quota = createQuota(manualClock(), 1);
    for (let count = 0; count < 20_000; count++) quota.take(`address ${count}`);
    expect(quota.take('address 0')).toBeGreaterThan(0);
    quota.take('one more');
    expect(quota.take('address 1')).toBeGreaterThan(0);
    expect(quota.take('address 0')).toBeUndefined();
  });
});

test('a connection that leaves twice is counted out once', () => {
  const counts = countConnections({ connectionsMax: 2, connectionsPerAddressMax: 9 });
  const leave = counts.enter('a');
  counts.enter('b');
  expect(counts.excess('c')).toBe('instance');
  leave();
  leave();
  counts.enter('c');
  expect(counts.excess('c')).toBe('instance');
});
