import { expect, test } from 'vitest';

import { fencedByPostgres, fencedByRedis, ReplyCount } from './reply-count.ts';

test('answers are counted wherever chunks are cut, each once, and those of each connection for themselves', () => {
  const count = new ReplyCount(fencedByRedis);
  const bytes = Buffer.from('*2\r\n$8\r\nappended\r\n$6\r\nfenced\r\n*1\r\n$6\r\nfenced\r\n');
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const listen = count.listener();
    listen(bytes.subarray(0, cut));
    listen(bytes.subarray(cut));
    expect(count.count).toBe((cut + 1) * 2);
  }
  const former = count.count;
  count.listener()(bytes.subarray(0, 24));
  count.listener()(bytes.subarray(24, 33));
  expect(count.count).toBe(former);
});

test('a word that is no answer is not counted', () => {
  const count = new ReplyCount(fencedByPostgres);
  const listen = count.listener();
  listen(Buffer.from("select case when true then 'fenced' end"));
  expect(count.count).toBe(0);
  listen(Buffer.from('D\0\0\0\u0010\0\u0001\0\0\0\u0006fenced'));
  expect(count.count).toBe(1);
});
