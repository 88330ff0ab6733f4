/** A machine to deploy to, over the stores this test run shares. */
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import type { Settings } from '../support/rolling-script.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export async function startSharedHost(
  settings?: Settings,
  { isByFlags = false } = {},
): Promise<DeployHost> {
  return startDeployHost({
    repository,
    verdictFile: await builtFile('deploy/verdict'),
    serverFile: await builtFile('server/main'),
    postgres: (await freshPostgres()).url,
    redis: (await freshRedis()).url,
    settings,
    isByFlags,
  });
}

/** A busy machine may take its time. */
export const eventually = <Value>(look: () => Value | Promise<Value>) =>
  expect.poll(look, { timeout: 120_000, interval: 100 });
