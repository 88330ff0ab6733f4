/** Two instances behind nginx with the configuration that is shipped: a machine as it is deployed to. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { startNginx, type NginxService } from '../../test/support/services/nginx-service.ts';
import { redisCpuUs, type Stores } from './bench.ts';
import { startChild, type Child } from './child.ts';
import type { SubjectName, SubjectStart } from './subjects.ts';
import { treeCpuUs, type Usage } from './usage.ts';

export interface Pair {
  readonly nginx: NginxService;
  /** Slot a, slot b. */
  readonly instances: readonly [Child, Child];
  /** In the place of one that was killed. */
  replace(slot: 0 | 1): Promise<void>;
  /** What each part of the machine has used of CPU since it began; for a time in which none of them is replaced. */
  used(): Promise<PartsUs>;
  end(): Promise<void>;
}

/** Microseconds. */
export interface PartsUs {
  readonly servers: number;
  readonly redis: number;
  readonly postgres: number;
  readonly nginx: number;
}

const slots = ['a', 'b'] as const;
const routeCount = 20;

export async function startPair(
  stores: Stores,
  checkpointMs: number,
  subject: SubjectName = 'durable',
): Promise<Pair> {
  const { postgres, redis } = stores;
  const nginx = await startNginx(join(process.cwd(), 'deploy/nginx'));
  const instances: [Child, Child] = [startChild('subject', ['a']), startChild('subject', ['b'])];
  const start = (slot: 0 | 1): Promise<number> =>
    instances[slot].ask<number>({
      kind: 'start',
      name: subject,
      postgres: postgres.url,
      redis: redis.url,
      checkpointMs,
      socketPath: join(nginx.runFolder, `${slots[slot]}.sock`),
    } satisfies SubjectStart);
  const end = async (): Promise<void> => {
    await Promise.all(instances.map((instance) => instance.kill()));
    await nginx.stop();
  };
  try {
    // One after the other: the first brings the database up to date.
    await start(0);
    await start(1);
    for (let route = 0; route < routeCount; route++)
      await symlink(
        `${slots[route % 2]}.sock`,
        join(nginx.runFolder, `v${String(route).padStart(2, '0')}.sock`),
      );
  } catch (error) {
    await end();
    throw error;
  }
  return {
    nginx,
    instances,
    replace: async (slot) => {
      instances[slot] = startChild('subject', [slots[slot]]);
      await start(slot);
    },
    used: async () => {
      const [a, b] = await Promise.all(
        instances.map((instance) => instance.ask<Usage>({ kind: 'usage' })),
      );
      return {
        servers: (a?.cpuUs ?? 0) + (b?.cpuUs ?? 0),
        redis: await redisCpuUs(redis.url),
        postgres: await treeCpuUs(postgres.pid()),
        nginx: await treeCpuUs(nginx.pid()),
      };
    },
    end,
  };
}
