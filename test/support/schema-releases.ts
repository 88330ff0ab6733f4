/** Two releases of one service side by side, and the newer one's commands. */
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import type { StopReason } from '../../client/stop-reason.ts';
import { runCli } from '../../server/cli/run-cli.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { LiveServer } from './live-server.ts';
import { tallyTwo } from './tally-two.ts';
import { tally } from './tally.ts';
import { when } from './watching.ts';

type Stores = LiveServer['stores'];

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of a release with that model, as an operator types it. */
export async function typed(
  command: string,
  { postgres, redis }: Stores,
  model: AnyModel = tallyTwo,
): Promise<CliRun> {
  let [stdout, stderr] = ['', ''];
  const exitCode = await runCli({
    sessions: [model],
    argv: [...command.split(' '), ...(redis === undefined ? ['--without-redis'] : [])],
    environment: { DATABASE_URL: postgres, REDIS_URL: redis, RELEASE: 'two' },
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
  });
  return { exitCode, stdout, stderr };
}

const usual = { input: { bound: 1_000_000 }, WebSocket, random: () => 0.02 };

/** A page of the older release. */
export const pageOne = (url: string, storage: SessionStorage = memoryStorage()) =>
  connect({ ...usual, url, session: tally, storage });

/** A page of the newer release. */
export const pageTwo = (url: string, storage: SessionStorage = memoryStorage()) =>
  connect({ ...usual, url, session: tallyTwo, storage });

/** Every amount in the state, in order. */
export const amountsOf = ({
  added,
}: {
  readonly added: readonly (readonly [string, number, number])[];
}): number[] => added.map(([, amount]) => amount);

/** Resolves with what ended it for good. */
export async function stopped(
  page: Awaited<ReturnType<typeof pageTwo>>,
): Promise<StopReason | undefined> {
  return (await when(page, ({ status }) => status === 'stopped')).stopReason;
}
