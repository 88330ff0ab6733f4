/** Accounts of a subject, and the mails they would send: read from where they are printed. */
import { accounts, type AccountsOptions } from '../../server/accounts/accounts.ts';

type Mails = Readonly<Record<string, string>>;

export interface Mailbox {
  /** Of the subject's log. */
  readonly stream: { write(line: string): void };
  /** What came since last asked: the link's token, by address. */
  take(): Mails;
}

export function openMailbox(): Mailbox {
  let mails: Record<string, string> = {};
  return {
    stream: {
      write: (line) => {
        const { mail } = JSON.parse(line) as {
          readonly mail?: { readonly to: string; readonly text: string };
        };
        const token = /#password=(\S+)/.exec(mail?.text ?? '')?.[1];
        if (mail !== undefined && token !== undefined) mails[mail.to] = token;
      },
    },
    take: () => {
      const taken = mails;
      mails = {};
      return taken;
    },
  };
}

/** log2 of bcrypt's rounds: the service's default. */
export const hashCost = 12;

/** How often somebody may try is not what is measured, and all of them come from one address. */
const burst = 1_000_000;
const manyTimes = (name: string) => ({ name, burst, eachMs: 1 });

export function mailedAccounts({
  postgres,
  secret,
}: Pick<AccountsOptions, 'postgres'> & { readonly secret: string }) {
  return accounts({
    postgres,
    secrets: [secret],
    hashCost,
    mail: { url: 'log:', from: 'measured@localhost' },
    rates: {
      loginByAddress: manyTimes('login-address'),
      mailByAddress: manyTimes('mail-address'),
    },
  });
}
