/** What counts as one address: whoever has an IPv6 network of their own has 2^64 addresses in it. */
import { isIPv6 } from 'node:net';

/**
 * An IPv4 address as it is, an IPv6 one as its first 64 bits; anything else as it is. Whoever comes over a Unix socket without a proxy
 * has none, and is one for all: only this machine's own can.
 */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return 'local';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [withoutZone = ''] = address.split('%');
  if (!isIPv6(withoutZone)) return address;
  const [left = '', right] = withoutZone.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: gap }, () => '0'), ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
