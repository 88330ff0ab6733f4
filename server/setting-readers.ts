/** What a setting's text must be. Each returns the value, or a sentence's end that says what is wrong. */
import { isIP } from 'node:net';

import { parseRedisUrl } from './store/redis/redis-url.ts';
import type { LogLevel } from './telemetry/log-settings.ts';

export const text = (text: string) => ({ value: text });

export const optionalText = (text: string) => ({ value: text === '' ? undefined : text });

export const url =
  (...schemes: readonly string[]) =>
  (text: string) =>
    URL.canParse(text) && schemes.includes(new URL(text).protocol)
      ? { value: text }
      : {
          fault: `must be a URL that begins with ${schemes.map((scheme) => (scheme === 'log:' ? scheme : `${scheme}//`)).join(' or ')}`,
        };

export const optionalUrl =
  (...schemes: readonly string[]) =>
  (text: string) =>
    text === '' ? { value: undefined } : url(...schemes)(text);

/** Secrets of riders go there: only this machine's own may do without TLS. */
export const outsideService = (text: string) => {
  if (text === 'none') return { value: undefined };
  const isFit =
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])[^?#@]*$/.test(text) &&
    URL.canParse(text);
  return isFit
    ? { value: text.replace(/\/+$/, '') }
    : { fault: 'must be a URL that begins with https:// and has no query, or none' };
};

/** Kept as text: whoever connects reads it again. */
export const optionalRedisUrl = (text: string) => {
  if (text === '') return { value: undefined };
  const parsed = parseRedisUrl(text);
  return 'fault' in parsed ? parsed : { value: text };
};

/** Longest path the system takes for a Unix socket, in bytes. */
const socketPathBytesMax = 107;

export const optionalSocket = (text: string) => {
  if (text === '') return { value: undefined };
  const path = text.startsWith('unix:/') ? text.slice('unix:'.length) : undefined;
  return path !== undefined && Buffer.byteLength(path) <= socketPathBytesMax
    ? { value: path }
    : { fault: `must be unix: and an absolute path of ${socketPathBytesMax} bytes at most` };
};

/** Where metrics are collected: an address, and a port or the first and the last of some. */
export const optionalMetricsAddress = (text: string) => {
  if (text === '') return { value: undefined };
  const [, host = '', first = '', last = first] =
    /^(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})(?:-(\d{1,5}))?$/i.exec(text) ?? [];
  const [firstPort, lastPort] = [Number(first), Number(last)];
  return host !== '' && firstPort <= lastPort && lastPort <= 65_535 && lastPort - firstPort < 100
    ? { value: { host: host.replaceAll(/[[\]]/g, ''), firstPort, lastPort } }
    : {
        fault: 'must be an address and a port, or up to a hundred ports, like 127.0.0.1:9464-9467',
      };
};

export const integer = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max
    ? { value }
    : { fault: `must be a whole number from ${min} to ${max}` };
};

/** A list with commas; each item read by the same reader. */
export const list =
  <Item>(read: (text: string) => { readonly value: Item } | { readonly fault: string }) =>
  (text: string): { readonly value: readonly Item[] } | { readonly fault: string } => {
    const results = text === '' ? [] : text.split(',').map((item) => read(item.trim()));
    const fault = results.find((result) => 'fault' in result);
    if (fault !== undefined) return fault;
    return { value: results.flatMap((result) => ('value' in result ? [result.value] : [])) };
  };

/** Keys that prove at most: each costs a signature for every wrong token. */
const secretsMax = 8;

export const secrets = (text: string) => {
  const keys = text.split(',').map((key) => key.trim());
  return keys.length <= secretsMax && keys.every((key) => key.length >= 32)
    ? { value: keys }
    : {
        fault: `must have 32 characters or more; up to ${secretsMax} such keys are separated by commas`,
      };
};

export const origin = (text: string) =>
  /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text
    ? { value: text }
    : { fault: 'must be origins like https://ride.example, separated by commas' };

const proxy = (text: string) => {
  const [address = '', bits = '0', ...rest] = text.split('/');
  const family = isIP(address);
  const isNetwork = /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  return family !== 0 && isNetwork && rest.length === 0
    ? { value: text }
    : { fault: 'must be addresses or networks like 10.0.0.0/8, separated by commas, or none' };
};
export const proxies = (text: string) => (text === 'none' ? { value: [] } : list(proxy)(text));

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
export const logLevel = (text: string) => {
  const value = levels.find((level) => level === text);
  return value === undefined ? { fault: `must be one of ${levels.join(', ')}` } : { value };
};
