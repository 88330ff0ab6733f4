/** Everything that must be true before a deploy changes anything: each check is a sentence when it is not. */
import { readFile, stat, statfs } from 'node:fs/promises';

import { runDriver, see, type Place } from './instance.ts';
import { disagreements, instanceAt, releaseOf, servedRelease } from './routes.ts';

/** What begins; `stage` is one instance that nobody is led to. */
export const ops = ['deploy', 'canary', 'switch', 'stage'] as const;
export type Op = (typeof ops)[number];

/** What decides how many instances run more than now, at the most. */
export interface Growth {
  readonly op: Op;
  /** Whether the instance it replaces is stopped first; only a deploy can. */
  readonly isStopFirst: boolean;
  /** Whether nothing serves yet. */
  readonly isFirst: boolean;
}

export interface PreflightPlan extends Place, Growth {
  readonly release: string;
  readonly stateFolder: string;
  readonly proxyUrl: string;
  readonly envFile: string;
  /** Configuration of nginx that is in effect. */
  readonly proxyConfig: string;
  /** Where the proxy logs each request: what releases are judged by. */
  readonly accessLog: string;
  /** Bytes a release takes at most. */
  readonly releaseBytesMax: number;
}

type Check = (plan: PreflightPlan) => Promise<readonly string[]>;

const requiredKeys = ['DATABASE_URL', 'TRACKSTAND_SECRET'];

/** What an instance takes when there is none yet to measure. */
const instanceBytes = 130 * 2 ** 20;

export async function preflight(plan: PreflightPlan): Promise<string[]> {
  const checks = [
    release,
    envFile,
    proxyConfig,
    accessLog,
    disk,
    memory,
    ...(plan.isFirst ? [] : [service]),
  ];
  return (await Promise.all(checks.map((check) => check(plan)))).flat();
}

const release: Check = async (plan) => {
  if ((await runDriver(plan, 'present', plan.release)) === undefined)
    return [`Release ${plan.release} is not here: unpack it, or check its name.`];
  const slots = await Promise.all(['a', 'b'].map((slot) => instanceAt(plan.runFolder, slot)));
  return slots.every((instance) => instance !== undefined && releaseOf(instance) === plan.release)
    ? [`Release ${plan.release} already serves both slots.`]
    : [];
};

const envFile: Check = async ({ envFile }) => {
  const text = await readFile(envFile, 'utf8').catch(() => undefined);
  if (text === undefined) return [`The environment file ${envFile} cannot be read.`];
  const keys = new Set(text.split('\n').map((line) => line.split('=')[0]?.trim()));
  const { mode } = await stat(envFile);
  return [
    ...requiredKeys
      .filter((key) => !keys.has(key))
      .map((key) => `${key} is missing in ${envFile}.`),
    ...((mode & 0o077) === 0
      ? []
      : [`${envFile} holds secrets and others may read it: chmod 600.`]),
  ];
};

/** What the routes rely on; a configuration that was changed by hand may have lost it. */
const proxyConfig: Check = async ({ proxyConfig }) => {
  const text = await readFile(proxyConfig, 'utf8').catch(() => undefined);
  if (text === undefined) return [`The proxy’s configuration ${proxyConfig} cannot be read.`];
  const code = text.replaceAll(/#.*$/gm, '');
  const servers = [...code.matchAll(/server (?:unix:|[\w.-]+:\d)[^;{]*;/g)].map(
    ([server]) => server,
  );
  return [
    ...(servers.length > 0 && servers.every((server) => /\bmax_fails=0\b/.test(server))
      ? []
      : [
          `${proxyConfig}: each server needs max_fails=0, or a slot counts as dead after it served again.`,
        ]),
    ...(/proxy_next_upstream [^;]*\berror\b/.test(code) && !/non_idempotent/.test(code)
      ? []
      : [`${proxyConfig}: proxy_next_upstream needs error, and must not have non_idempotent.`]),
    ...(/proxy_set_header X-Route /.test(code)
      ? []
      : [`${proxyConfig}: X-Route is not set, so an instance cannot know whom to hand over.`]),
    ...(/^\s*keepalive \d/m.test(code)
      ? [`${proxyConfig}: keepalive to instances would keep leading to the former one.`]
      : []),
  ];
};

const accessLog: Check = async ({ accessLog }) =>
  stat(accessLog).then(
    () => [],
    () => [
      `The proxy’s access log ${accessLog} cannot be read, so nobody could judge the release.`,
    ],
  );

const disk: Check = async ({ stateFolder, releaseBytesMax }) => {
  const { bavail, bsize } = await statfs(stateFolder);
  return bavail * bsize > 2 * releaseBytesMax
    ? []
    : [`Only ${Math.round((bavail * bsize) / 2 ** 20)} MB of disk are free.`];
};

/** A canary and its twin run beside both of the former release, and so do the two of a switch. */
export function instancesMore({ op, isStopFirst, isFirst }: Growth): number {
  if (op === 'stage') return 1;
  if (op !== 'deploy' || isFirst) return 2;
  return isStopFirst ? 0 : 1;
}

/** A sentence when there is not enough for `count` more instances of `instanceBytes` each, and a third beside. */
export function missingMemory(
  availableBytes: number,
  instanceBytes: number,
  count: number,
): string | undefined {
  const neededBytes = 1.3 * instanceBytes * count;
  const more = count === 1 ? 'one more instance needs' : `${count} more instances need`;
  return availableBytes < neededBytes
    ? `Only ${megabytes(availableBytes)} MB of memory are free, and ${more} ${megabytes(neededBytes)} MB: free some, or deploy with --strategy stop-first.`
    : undefined;
}
const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

const memory: Check = async (plan) => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const availableBytes = Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1] ?? 'NaN') * 1024;
  const slots = await Promise.all(['a', 'b'].map((slot) => instanceAt(plan.runFolder, slot)));
  const resident = await Promise.all(
    slots.map(async (slot) =>
      slot === undefined ? instanceBytes : Number(await runDriver(plan, 'rss', slot)),
    ),
  );
  const largest = Math.max(instanceBytes, ...resident.filter(Number.isFinite));
  // What is staged already runs, and a switch goes on from there.
  const isStaged =
    plan.op === 'switch' && (await runDriver(plan, 'alive', `a.${plan.release}`)) !== undefined;
  const count = instancesMore(plan) - (isStaged ? 1 : 0);
  const sentence = missingMemory(availableBytes, largest, count);
  return sentence === undefined ? [] : [sentence];
};

const service: Check = async (plan) => {
  if ((await servedRelease(plan.proxyUrl, 'v19')) === undefined)
    return [`The proxy does not answer at ${plan.proxyUrl}, or no instance behind it.`];
  const sentences = await disagreements(plan.proxyUrl, plan.runFolder);
  for (const slot of ['a', 'b']) {
    const instance = await instanceAt(plan.runFolder, slot);
    if (instance === undefined) {
      sentences.push(`Slot ${slot} is empty.`);
      continue;
    }
    const { ready } = await see(plan, instance);
    if (ready === undefined)
      sentences.push(
        `Slot ${slot} (${instance}) does not answer: rolling.sh boot starts it again.`,
      );
    else if (ready.status !== 'ready')
      sentences.push(
        `Slot ${slot} (${instance}) says ${ready.status}: a store is away, and a deploy would not help.`,
      );
  }
  return sentences;
};
