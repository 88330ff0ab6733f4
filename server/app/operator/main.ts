/** `node dist/server/operator.js <e-mail>`: makes an operator. The password comes by standard input: arguments are for all to see. */
import { createInterface } from 'node:readline';

import { putOperator } from '../../accounts/operator-command.ts';
import { ConfigError, readConfig } from '../../config.ts';

/** sysexits.h: EX_USAGE, EX_CONFIG. */
const exitUsage = 64;
const exitConfig = 78;

async function main(): Promise<number> {
  const [email] = process.argv.slice(2);
  if (email === undefined) {
    process.stderr.write('Usage: operator <e-mail>, and the password on standard input.\n');
    return exitUsage;
  }
  const { databaseUrl: postgres, hashCost } = readConfig(process.env);
  if (process.stdin.isTTY) process.stderr.write('Password (it is shown while you type): ');
  const password = await firstLine();
  const result = await putOperator({ postgres, hashCost, email, password });
  if (result.kind === 'fault') {
    process.stderr.write(`${result.fault}\n`);
    return exitUsage;
  }
  process.stdout.write(`${result.email} is an operator (${result.kind}).\n`);
  return 0;
}

async function firstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  return '';
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof ConfigError ? exitConfig : 1);
  },
);
