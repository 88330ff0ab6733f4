/** A host of this deploy kit that is used while something is done to it, whole or with a guard taken away. */
import { writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import type { Settings } from '../support/rolling-script.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { editedDeploy, editedServer, type Edit } from './edited-copy.ts';
import type { Bench, RowNoticed, Stores } from './rows.ts';
import { slowPage } from './slow-page.ts';
import { underLoad } from './under-load.ts';

export interface Without {
  readonly settings?: Settings;
  readonly instanceSettings?: Settings;
  readonly isByFlags?: boolean;
  readonly editProxy?: (text: string) => string;
  /** The preflight would refuse what was taken away from nginx; it is shown the configuration that is shipped. */
  readonly showsShipped?: boolean;
  /** Verdicts that say yes without looking. */
  readonly blind?: readonly string[];
  /** Code that runs first in the instances there are at the beginning, and in those of the next release. */
  readonly before?: string;
  readonly beforeNext?: string;
  /** Of all instances; of rolling.sh and what belongs to it. */
  readonly editServer?: Edit;
  readonly editDeploy?: Edit;
  readonly closesFirst?: true;
  readonly sessions?: number;
}

/** Done to a host whose release `r1` is in use. */
export type Act = (host: DeployHost, stores: Stores) => Promise<Came>;

/** Of rolling.sh, where a row does not say otherwise. */
export const rowSettings: Settings = {
  HEALTHY_S: 1,
  SOAK_S: 1,
  // Load and deploys share the machine: a fresh instance may be slow without being bad.
  SLOWER_BY_MS: 3_000,
  READY_DEADLINE_S: 60,
};
/** Of a canary's rows besides: nobody waits five minutes for five hundred requests. */
export const canarySettings: Settings = { SOAK_SAMPLES: 20, HOLD_S: 60 };

/** What came of the act, besides what users noticed. */
export interface Came {
  /** Of rolling.sh. */
  readonly exitCode?: number | null;
  /** Of several at once, and whether two releases serve after them. */
  readonly exitCodes?: readonly (number | null)[];
  readonly isMixed?: boolean;
  readonly note?: string;
  readonly said?: string;
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

/** Well for 15 s after it said that it is ready, however long the machine took to get there. */
const ends = `
  import { Server } from 'node:http';
  const emit = Server.prototype.emit;
  let isOver = false;
  Server.prototype.emit = function (name, request, response) {
    if (name === 'request' && request.url === '/readyz')
      response.once('finish', () => {
        if (response.statusCode !== 200 || isOver) return;
        isOver = true;
        setTimeout(() => process.exit(1), 15_000);
      });
    return Reflect.apply(emit, this, arguments);
  };`;

export async function onHost(bench: Bench, without: Without, act: Act): Promise<RowNoticed> {
  const folder = await makePrivateFolder('edited');
  try {
    return await onEditedHost(await edited(bench, without, folder.path), without, act);
  } finally {
    await folder.remove();
  }
}

/** The same, with what is shipped as this row would have it. */
async function edited(
  bench: Bench,
  { editServer, editDeploy }: Without,
  folder: string,
): Promise<Bench> {
  const { serverFile, repository } = bench;
  return {
    ...bench,
    ...(editServer && {
      serverFile: await editedServer(serverFile, editServer, folder, repository),
    }),
    ...(editDeploy && { repository: await editedDeploy(repository, editDeploy, folder) }),
  };
}

async function onEditedHost(bench: Bench, without: Without, act: Act): Promise<RowNoticed> {
  const stores = await bench.stores();
  const shipped = { PROXY_CONFIG: join(bench.repository, 'deploy/nginx/trackstand.conf') };
  const host = await startDeployHost({
    ...bench,
    ...stores,
    isByFlags: without.isByFlags,
    editProxy: without.editProxy,
    settings: {
      ...rowSettings,
      ...(without.showsShipped === true ? shipped : {}),
      ...without.settings,
    },
    instanceSettings: { CHECKPOINT_MS: 1_000, DRAIN_MOVES_PER_S: 100, ...without.instanceSettings },
  });
  try {
    await host.release('r1', `${slowPage}${without.before ?? ''}`);
    await host.release('r2', `${slowPage}${without.beforeNext ?? ''}`);
    await host.release('errs', slowPage + errs);
    await host.release('ends', slowPage + ends);
    const first = await host.rolling('deploy', 'r1');
    if (first.code !== 0) throw new Error(first.said);
    if (without.blind !== undefined) await blind(host, bench, without);
    const { sessions = bench.use.sessions, closesFirst } = without;
    const { postgres } = stores;
    const use = { ...bench.use, sessions, closesFirst, slowPerS: 5, postgres };
    const { result, ...noticed } = await underLoad(host.url, use, () => act(host, stores));
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

/** Goes back to the former release, and says after how long every route led there, as seen through nginx. */
export async function rollbackTimed(host: DeployHost, release: string): Promise<Came> {
  const beganMs = performance.now();
  let servedMs: number | undefined;
  const over = new AbortController();
  const looking = (async () => {
    while (servedMs === undefined && !over.signal.aborted) {
      // Of the route that is the last to move.
      if ((await releaseOf(host.url)) === release) servedMs = performance.now() - beganMs;
      else await delay(5);
    }
  })();
  const { code, said } = await host.rolling('rollback');
  over.abort();
  await looking;
  const after = servedMs === undefined ? 'did not serve' : `served ${seconds(servedMs)} s after`;
  const note = `The former release ${after} the command, which took ${seconds(performance.now() - beganMs)} s.`;
  return { exitCode: code, note, said };
}

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

function releaseOf(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(`${url}/__release`, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(/"release":"([^"]*)"/.exec(text)?.[1]));
    }).on('error', () => resolve(undefined));
  });
}
