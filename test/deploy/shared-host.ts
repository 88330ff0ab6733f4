/** A machine to deploy to, over the stores this test run shares. */
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { startDeployHost, type DeployHost, type DeployHostParts } from '../support/deploy-host.ts';
import { startRider, type Rider } from '../support/rider.ts';
import type { Settings } from '../support/rolling-script.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { isSaved } from '../support/watching.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export async function startSharedHost(
  settings?: Settings,
  more: Pick<DeployHostParts, 'isByFlags' | 'instanceSettings' | 'machine'> & {
    readonly redis?: string;
    readonly postgres?: string;
  } = {},
): Promise<DeployHost> {
  return startDeployHost({
    repository,
    verdictFile: await builtFile('deploy/verdict'),
    serverFile: await builtFile('server/main'),
    settings,
    ...more,
    postgres: more.postgres ?? (await freshPostgres()).url,
    redis: more.redis ?? (await freshRedis()).url,
  });
}

export interface WatchedRiders {
  readonly riders: readonly Rider[];
  /** Each rides on, and lost nothing. */
  rideOn(): Promise<void>;
  /** And was never without a connection. */
  areUnharmed(): Promise<void>;
}

export async function startWatchedRiders(url: string, count: number): Promise<WatchedRiders> {
  const statuses = new Set<string>();
  const riders = await Promise.all(Array.from({ length: count }, () => startRider(url)));
  for (const rider of riders) rider.give({ type: 'start', data: {} });
  await Promise.all(riders.map((rider) => rider.when(isSaved)));
  for (const { session } of riders) session.subscribe(({ status }) => statuses.add(status));
  const rideOn = async (): Promise<void> => {
    for (const rider of riders) rider.give({ type: 'sample', data: { powerW: 200 } });
    const views = await Promise.all(riders.map((rider) => rider.when(isSaved)));
    expect(views.map(({ state }) => state)).toEqual(riders.map(({ expected }) => expected()));
  };
  return {
    riders,
    rideOn,
    areUnharmed: async () => {
      await rideOn();
      expect([...statuses].filter((status) => !['connected', 'moving'].includes(status))).toEqual(
        [],
      );
    },
  };
}

/** A busy machine may take its time. */
export const eventually = <Value>(look: () => Value | Promise<Value>) =>
  expect.poll(look, { timeout: 120_000, interval: 100 });
