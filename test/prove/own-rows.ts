/** Rows of this deploy kit, whole and with single guards taken away. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import type { Settings } from '../support/rolling-script.ts';
import type { Bench, Row, RowNoticed } from './rows.ts';
import { underLoad } from './under-load.ts';

interface Without {
  readonly settings?: Settings;
  readonly instanceSettings?: Settings;
  readonly isByFlags?: boolean;
  readonly editProxy?: (text: string) => string;
  /** Verdicts that say yes without looking. */
  readonly blind?: readonly string[];
}

/** Two percent of what is asked. */
const errs = `
  import { Server } from 'node:http';
  const emit = Server.prototype.emit;
  let count = 0;
  Server.prototype.emit = function (name, request, response) {
    if (name === 'request' && request.url !== '/readyz' && ++count % 50 === 0) {
      response.writeHead(500).end();
      return true;
    }
    return Reflect.apply(emit, this, arguments);
  };`;

async function onHost(
  bench: Bench,
  without: Without,
  act: (host: DeployHost) => Promise<{ exitCode?: number | null; note?: string } | void>,
): Promise<RowNoticed> {
  const host = await startDeployHost({
    ...bench,
    ...(await bench.stores()),
    isByFlags: without.isByFlags,
    editProxy: without.editProxy,
    settings: {
      HEALTHY_S: 1,
      SOAK_S: 1,
      SLOWER_BY_MS: 3_000,
      READY_DEADLINE_S: 60,
      ...without.settings,
    },
    instanceSettings: { CHECKPOINT_MS: 1_000, DRAIN_MOVES_PER_S: 100, ...without.instanceSettings },
  });
  try {
    for (const name of ['r1', 'r2']) await host.release(name);
    await host.release('errs', errs);
    await host.release('exits', 'setTimeout(() => process.exit(1), 3_000);');
    const first = await host.rolling('deploy', 'r1');
    if (first.code !== 0) throw new Error(first.said);
    if (without.blind !== undefined) await blind(host, bench, without);
    const { result, ...noticed } = await underLoad(host.url, bench.use, () => act(host));
    return { ...noticed, ...result };
  } finally {
    await host.stop();
  }
}

async function blind(
  host: DeployHost,
  bench: Bench,
  { blind = [], settings = {} }: Without,
): Promise<void> {
  const file = join(host.folder, 'blind.mjs');
  await writeFile(
    file,
    `if (${JSON.stringify(blind)}.includes(process.argv[2])) { console.log(0); process.exit(0); }\nawait import(${JSON.stringify(bench.verdictFile)});\n`,
  );
  await host.configure({ ...settings, VERDICT: file });
}

const rolling =
  (...words: readonly string[]) =>
  async (host: DeployHost): Promise<{ exitCode: number | null }> => ({
    exitCode: (await host.rolling(...words)).code,
  });

/** The instance, not its keeper, which starts it again. */
const killInstance = async (host: DeployHost): Promise<void> => {
  const { stdout } = await host.driver('alive', 'a.r1');
  await delay(1_000);
  process.kill(Number(stdout.split('/')[0]), 'SIGKILL');
  await delay(4_000);
};

const timed = async (host: DeployHost, ...words: readonly string[]): Promise<string> => {
  const times: number[] = [];
  const beganMs = performance.now();
  const { code } = await host.watched(
    (step) => {
      if (step === 'a:hand-over') times.push(performance.now() - beganMs);
    },
    ...words,
  );
  return `Exit ${code}; the former release served ${((times[0] ?? 0) / 1000).toFixed(1)} s after the command.`;
};

const noRetry = (text: string): string =>
  text.replaceAll(/proxy_next_upstream [^;]*;/g, 'proxy_next_upstream off;');

type Plan = readonly [
  group: 'ours' | 'taken-away',
  id: string,
  what: string,
  because: string,
  isClean: boolean,
  without: Without,
  act: (host: DeployHost) => Promise<{ exitCode?: number | null; note?: string } | void>,
];

const samples = { SOAK_SAMPLES: 20, HOLD_S: 60 };
const plans: readonly Plan[] = [
  [
    'ours',
    'deploy',
    'deploy, slot after slot',
    'Nobody notices; each client moves once.',
    true,
    {},
    rolling('deploy', 'r2'),
  ],
  [
    'ours',
    'canary',
    'canary 5, 25, 50, 100 % and promotion',
    'Those whose routes become the twin’s move once more.',
    true,
    { settings: samples },
    rolling('canary', 'r2'),
  ],
  [
    'ours',
    'rollback',
    'switch, and rollback to the warm release',
    'There and back is two moves.',
    true,
    {},
    async (host) => {
      await host.rolling('switch', 'r2');
      return { note: await timed(host, 'rollback') };
    },
  ],
  [
    'ours',
    'abort',
    'a release with 2 % errors, taken back by itself',
    'What failed until then is its own; it never got the second slot.',
    false,
    { settings: { SOAK_S: 20 } },
    rolling('deploy', 'errs'),
  ],
  [
    'ours',
    'kill',
    'kill -9 of an instance',
    'Nothing is lost; a POST under way may fail, and its clients reconnect.',
    false,
    {},
    killInstance,
  ],
  [
    'ours',
    'stop-first',
    'deploy without memory for one instance more',
    'Those of the first slot move twice.',
    true,
    {},
    rolling('deploy', 'r2', '--strategy', 'stop-first'),
  ],
  [
    'ours',
    'flags',
    'deploy with routes by files',
    'As by links.',
    true,
    { isByFlags: true },
    rolling('deploy', 'r2'),
  ],
  [
    'taken-away',
    'no-slo',
    'a release with 2 % errors, not judged',
    'It serves everybody.',
    false,
    { blind: ['soak'] },
    async (host) => {
      const { code } = await host.rolling('deploy', 'errs');
      await delay(5_000);
      return { exitCode: code };
    },
  ],
  [
    'taken-away',
    'no-gate',
    'routed before it is ready, and no retry',
    'The warm-up is seen.',
    false,
    {
      blind: ['await-ready', 'try-out', 'verify'],
      editProxy: noRetry,
      settings: { PROXY_CONFIG: 'shipped' },
    },
    rolling('deploy', 'r2'),
  ],
  [
    'taken-away',
    'no-retry',
    'kill -9 of an instance, and no retry',
    'Its routes fail until it is back.',
    false,
    { editProxy: noRetry, settings: { PROXY_CONFIG: 'shipped' } },
    killInstance,
  ],
  [
    'taken-away',
    'no-min-healthy',
    'no minimum healthy time and no watching, a release that ends after 3 s',
    'One look promotes it.',
    false,
    { blind: ['soak'], settings: { HEALTHY_S: 0, SOAK_S: 0 } },
    async (host) => {
      const { code } = await host.rolling('deploy', 'exits');
      await delay(8_000);
      return { exitCode: code };
    },
  ],
];

export const ownRows: readonly Row[] = plans.map(
  ([group, id, what, because, isClean, without, act]) => ({
    group,
    id,
    what,
    because,
    isClean,
    run: (bench) => {
      const { PROXY_CONFIG: config, ...settings } = without.settings ?? {};
      // The preflight would refuse what was taken away; it is shown the configuration that is shipped.
      const shown =
        config === undefined
          ? {}
          : { PROXY_CONFIG: join(bench.repository, 'deploy/nginx/trackstand.conf') };
      return onHost(bench, { ...without, settings: { ...settings, ...shown } }, act);
    },
  }),
);
