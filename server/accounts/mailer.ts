/** Sends mail after the answer went out, so that how long it takes tells nobody whether there was something to send. */
import { createTransport } from 'nodemailer';

import { delay, type Clock } from '../../shared/clock.ts';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  /** Never throws and never waits; a mail that cannot be sent is told to the operator. */
  readonly send: (mail: Mail) => void;
  /** Waits for what is under way. */
  readonly close: () => Promise<void>;
}

export interface MailerParts {
  readonly clock: Clock;
  /** In the log for all to read: for development. */
  readonly print: (mail: Mail) => void;
  /** A mail was given up; why, without the address and without what was in it. */
  readonly reportError: (reason: string) => void;
}

/** Mails under way and waiting; more are given up, because somebody is flooding us. */
const waitingMax = 100;

/** Milliseconds before the second and the third try. */
const retriesMs = [1_000, 10_000];

/** Milliseconds a mail server has for each of its answers. */
const serverTimeoutMs = 10_000;

/** `url`: `smtp://`, `smtps://`, or `log:`. `from`: the sender's address. */
export function createMailer(
  { url, from }: { readonly url: string; readonly from: string },
  parts: MailerParts,
): Mailer {
  if (url === 'log:') return { send: parts.print, close: () => Promise.resolve() };
  const transport = createTransport({
    url,
    connectionTimeout: serverTimeoutMs,
    greetingTimeout: serverTimeoutMs,
    socketTimeout: serverTimeoutMs,
    // What a mail holds comes from us; nothing in it may name a file or an address to read from.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sending = new Set<Promise<void>>();
  const trySending = async (mail: Mail): Promise<void> => {
    for (const waitMs of [...retriesMs, undefined]) {
      const failure = await transport.sendMail({ from, ...mail }).then(none, reasonOf);
      if (failure === undefined) return;
      if (waitMs === undefined) parts.reportError(failure);
      else await delay(parts.clock, waitMs);
    }
  };
  return {
    send: (mail) => {
      if (sending.size >= waitingMax) {
        parts.reportError('too many mails wait to be sent');
        return;
      }
      const sent: Promise<void> = answered()
        .then(() => trySending(mail))
        .finally(() => sending.delete(sent));
      sending.add(sent);
    },
    close: async () => {
      await Promise.all(sending);
      transport.close();
    },
  };
}

/** Resolves when whoever asked for the mail has given its answer: putting a letter together takes time, too. */
const answered = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const none = (): undefined => undefined;

/** A mail server's own words may repeat the address: only the kind of failure is kept. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown';
}
