import { describe, expect, test } from 'vitest';

import { addressKey } from '../../server/admission/address-key.ts';
import { createAdmission } from '../../server/admission/admission.ts';
import { countConnections } from '../../server/admission/connection-counts.ts';
import { memoryRateLimit } from '../../server/store/rate-limit.ts';
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

describe('sessions an address may begin', () => {
  const admitted = (sessionsPerHourMax: number) => {
    const clock = manualClock();
    const { takeBeginning } = createAdmission(
      { bounds: { sessionsPerHourMax } },
      memoryRateLimit(clock),
    );
    return { clock, take: (ip: string) => takeBeginning({ ip }) };
  };

  test('as many at once as an hour, and then one after the other', async () => {
    const { clock, take } = admitted(60);
    for (let count = 0; count < 60; count++) expect(await take('192.0.2.1')).toBeUndefined();
    expect(await take('192.0.2.1')).toBe(60);
    expect(await take('192.0.2.2')).toBeUndefined();
    clock.pass(59_000);
    expect(await take('192.0.2.1')).toBe(1);
    clock.pass(1_000);
    expect(await take('192.0.2.1')).toBeUndefined();
    expect(await take('192.0.2.1')).toBe(60);
  });

  test('whoever is refused is not kept waiting longer for having asked', async () => {
    const { clock, take } = admitted(1);
    for (let count = 0; count < 10; count++) await take('192.0.2.1');
    clock.pass(3_600_000);
    expect(await take('192.0.2.1')).toBeUndefined();
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
