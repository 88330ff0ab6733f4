import { afterEach, describe, expect, test } from 'vitest';

import { createMailer } from '../../server/accounts/mailer.ts';
import { manualClock } from '../support/manual-clock.ts';
import { startAccountServer } from './account-server.ts';
import { startSmtpSink, type SmtpSink } from './smtp-sink.ts';

let sink: SmtpSink | undefined;
afterEach(async () => {
  await sink?.stop();
});

const mail = { to: 'ada@example.com', subject: 'Hello', text: 'Ride on.' };
const from = 'Trackstand <ride@trackstand.example>';

describe('mail', () => {
  test('goes out by SMTP, with a link that holds its secret in the fragment', async () => {
    sink = await startSmtpSink();
    const publicUrl = 'https://ride.example';
    const server = await startAccountServer({ mail: { url: sink.url, from }, publicUrl });
    try {
      await server.ask('POST', '/v1/accounts', { body: { email: 'ada@example.com' } });
      const letter = await sink.next();
      expect([letter.from, letter.to]).toEqual(['<ride@trackstand.example>', '<ada@example.com>']);
      const [, token] = /https:\/\/ride\.example\/#password=([\w-]{43})/.exec(letter.text) ?? [];
      const body = { token, password: 'mistral over ventoux' };
      expect((await server.ask('POST', '/v1/accounts/passwords', { body })).status).toBe(200);
      expect(server.log.join('')).not.toContain(token);
    } finally {
      await server.stop();
    }
  });

  test('is tried again when the mail server is busy, and given up with a reason that names nobody', async () => {
    sink = await startSmtpSink();
    const clock = manualClock();
    const reasons: string[] = [];
    const timers: (() => void)[] = [];
    const mailer = createMailer(
      { url: sink.url, from },
      {
        clock: { ...clock, after: (_delayMs, callback) => (timers.push(callback), () => {}) },
        print: () => {},
        reportError: (reason) => reasons.push(reason),
      },
    );
    const nextTimer = async (): Promise<void> => {
      while (timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
      timers.shift()?.();
    };
    sink.refuse(1);
    mailer.send(mail);
    await nextTimer();
    expect((await sink.next()).text).toContain('Ride on.');
    expect(reasons).toEqual([]);
    sink.refuse(3);
    mailer.send(mail);
    await nextTimer();
    await nextTimer();
    await mailer.close();
    expect(sink.tries()).toBe(5);
    expect(reasons).toEqual(['EENVELOPE']);
  });

  test('is not even put together before the answer went out: the time would tell who has an account', async () => {
    sink = await startSmtpSink();
    const parts = { clock: manualClock(), print: () => {}, reportError: () => {} };
    const mailer = createMailer({ url: sink.url, from }, parts);
    let isLookedAt = false;
    const watched = {
      ...mail,
      get text() {
        isLookedAt = true;
        return mail.text;
      },
    };
    mailer.send(watched);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    expect(isLookedAt).toBe(false);
    expect((await sink.next()).text).toContain('Ride on.');
    await mailer.close();
  });

  test('waits in a bounded line: who floods it is not sent more', async () => {
    const reasons: string[] = [];
    const mailer = createMailer(
      // Nobody listens there, and no retry comes round: everything waits.
      { url: 'smtp://127.0.0.1:1', from },
      {
        clock: { nowMs: () => 0, elapsedMs: () => 0, after: () => () => {} },
        print: () => {},
        reportError: (reason) => reasons.push(reason),
      },
    );
    for (let count = 0; count < 102; count++) mailer.send(mail);
    expect(reasons).toEqual(['too many mails wait to be sent', 'too many mails wait to be sent']);
  });

  test('where there is none, nobody registers and everybody is told the same', async () => {
    const server = await startAccountServer({ mail: undefined });
    try {
      const body = { email: 'ada@example.com' };
      for (const path of ['/v1/accounts', '/v1/accounts/resets']) {
        const answer = await server.ask('POST', path, { body });
        expect([answer.status, answer.body['code']]).toEqual([503, 'mail-absent']);
      }
    } finally {
      await server.stop();
    }
  });
});
