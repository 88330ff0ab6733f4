/** Verdicts for deploy/rolling.sh: `verdict <command> [--option value]`. Sentences go to stderr, results to stdout. */
import { delay, systemClock } from '../../shared/clock.ts';
import { appendAudit, firstBrokenLine } from './audit-log.ts';
import type { Comparison, OnTrial } from './comparison.ts';
import { see, tryOut, type Place } from './instance.ts';
import { ops, preflight, type Op } from './preflight.ts';
import { disagreements, instanceAt, point, routeNames } from './routes.ts';
import type { SloLimits } from './slo.ts';
import { asTable, report } from './status.ts';
import { areWarm, awaitReady, handOver, soak } from './waits.ts';

/** Exit codes. rolling.sh gives its own to the outside. */
const exitYes = 0;
const exitNo = 1;
const exitUsage = 2;
/** Soaked, but there were not enough requests to say anything. */
const exitTooFew = 3;
const exitDied = 4;
/** It does worse than what is beside it. */
const exitWorse = 5;
const exitStoreAway = 6;
/** The links lead there, and the proxy does not. */
const exitNotFollowed = 7;

type Options = Readonly<Record<string, string | undefined>>;

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set.`);
  return value;
};
const place = (): Place => ({ runFolder: env('RUN_DIR'), driver: env('DRIVER_SCRIPT') });
const given = (options: Options, name: string): string => {
  const value = options[name];
  if (value === undefined) throw new Error(`--${name} is missing.`);
  return value;
};
const seconds = (options: Options, name: string): number => {
  const value = Number(given(options, name));
  if (!Number.isFinite(value) || value < 0)
    throw new Error(`--${name} must be a number of seconds.`);
  return value * 1000;
};
const limitsOf = (options: Options): SloLimits => ({
  samplesMin: Number(given(options, 'samples')),
  greetingsMin: Number(given(options, 'greetings')),
  errorRateMax: 0.005,
  slowerByMsMax: Number(given(options, 'slower-by')),
  lateMsMax: Number(given(options, 'late')),
});
const onTrial = (instance: string, options: Options): OnTrial => ({
  instance,
  life: given(options, 'life'),
  limits: limitsOf(options),
});
const opOf = (name: string): Op => {
  const op = ops.find((known) => known === name);
  if (op === undefined) throw new Error(`--op is one of ${ops.join(', ')}.`);
  return op;
};
/** Of `v00=a.r1 v01=a.r1`. */
const pairs = (text: string): [link: string, instance: string][] =>
  text
    .trim()
    .split(/\s+/)
    .map((pair) => {
      const [, link, instance] = /^([a-z0-9]+)=([abc]\..+)$/.exec(pair) ?? [];
      if (link === undefined || instance === undefined)
        throw new Error(`Links are led by pairs like v00=a.r1, and "${pair}" is none.`);
      return [link, instance];
    });
const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function told(instance: string, verdict: Comparison): number {
  switch (verdict.kind) {
    case 'kept':
      return exitYes;
    case 'too-few':
      return exitTooFew;
    case 'died':
      say(`${instance} cannot be judged: ${verdict.why}.`);
      return exitDied;
    case 'store-away':
      say(`${instance} does badly while a store is away, and so does what is beside it.`);
      return exitStoreAway;
    case 'broken':
      say(`${instance} does worse than what it replaces: ${verdict.why}.`);
      return exitWorse;
  }
}

async function isFollowed(deadlineMs: number): Promise<boolean> {
  const endMs = systemClock.elapsedMs() + deadlineMs;
  for (;;) {
    const sentences = await disagreements(env('PROXY_URL'), env('RUN_DIR'));
    if (sentences.length === 0) return true;
    if (systemClock.elapsedMs() >= endMs) {
      for (const sentence of sentences) say(sentence);
      return false;
    }
    await delay(systemClock, 50);
  }
}

const commands: Readonly<Record<string, (options: Options) => Promise<number>>> = {
  preflight: async (options) => {
    const sentences = await preflight({
      ...place(),
      release: given(options, 'release'),
      stateFolder: env('STATE_DIR'),
      proxyUrl: env('PROXY_URL'),
      envFile: env('APP_ENV'),
      proxyConfig: env('PROXY_CONFIG'),
      accessLog: env('ACCESS_LOG'),
      releaseBytesMax: 300 * 2 ** 20,
      op: opOf(given(options, 'op')),
      isStopFirst: options['strategy'] === 'stop-first',
      isFirst: options['first'] === 'yes',
    });
    for (const sentence of sentences) say(sentence);
    return sentences.length === 0 ? exitYes : exitNo;
  },
  'await-ready': async (options) => {
    const instance = given(options, 'instance');
    const limits = {
      release: given(options, 'release'),
      healthyMs: seconds(options, 'healthy'),
      deadlineMs: seconds(options, 'deadline'),
    };
    const found = await awaitReady(place(), instance, limits, systemClock);
    if (found.kind === 'ready') return exitYes;
    say(`${instance} does not get ready: ${found.why}.`);
    return found.kind === 'died' ? exitDied : exitNo;
  },
  'try-out': async (options) => {
    const body: unknown = JSON.parse(given(options, 'session'));
    const fault = await tryOut(place(), given(options, 'instance'), options['former'], body);
    if (fault === undefined) return exitYes;
    say(`${given(options, 'instance')} failed when it was tried out: ${fault}.`);
    return exitNo;
  },
  /** With --to also whether those who move are welcomed there. */
  'hand-over': async (options) => {
    const instance = given(options, 'instance');
    const { to } = options;
    const found = await handOver(
      place(),
      instance,
      {
        deadlineMs: seconds(options, 'deadline'),
        to: to === undefined ? undefined : onTrial(to, options),
      },
      systemClock,
    );
    if (found.kind === 'done') {
      print(String(found.moved));
      return exitYes;
    }
    if (found.kind !== 'late') return told(to ?? instance, found);
    say(`${instance} still holds ${found.left} connections at the deadline.`);
    return exitNo;
  },
  soak: async (options) => {
    const instance = given(options, 'instance');
    const verdict = await soak(
      place(),
      onTrial(instance, options),
      {
        accessLog: env('ACCESS_LOG'),
        forMs: seconds(options, 'time'),
        holdMs: seconds(options, 'hold'),
      },
      systemClock,
    );
    return told(instance, verdict);
  },
  /**
   * Leads links to instances, one after the other. With --if-warm nothing is moved unless each of them can serve at once; with --deadline
   * it then waits for the proxy. One process for all of it: each takes a tenth of a second that a rollback does not have.
   */
  lead: async (options) => {
    const links = pairs(given(options, 'to'));
    const instances = [...new Set(links.map(([, instance]) => instance))];
    if (options['if-warm'] === 'yes' && !(await areWarm(place(), instances))) return exitNo;
    for (const [link, instance] of links) await point(env('RUN_DIR'), link, instance);
    if (options['deadline'] === undefined) return exitYes;
    return (await isFollowed(seconds(options, 'deadline'))) ? exitYes : exitNotFollowed;
  },
  /** Whether the proxy serves what the links say; a moment is allowed for what is under way. */
  verify: async (options) => ((await isFollowed(seconds(options, 'deadline'))) ? exitYes : exitNo),
  /** Whether both stores answer an instance: a deploy in the middle of an outage would help nobody. */
  stores: async (options) => {
    const endMs = systemClock.elapsedMs() + seconds(options, 'deadline');
    for (;;) {
      const { ready } = await see(place(), given(options, 'instance'));
      if (ready === undefined || ready.status === 'ready') return exitYes;
      if (systemClock.elapsedMs() >= endMs) {
        say(`A store is away (${ready.status}), so the deploy does not go on.`);
        return exitNo;
      }
      await delay(systemClock, 200);
    }
  },
  status: async (options) => {
    const found = await report(place(), `${env('STATE_DIR')}/audit.jsonl`);
    print(options['format'] === 'json' ? JSON.stringify(found) : asTable(found));
    return exitYes;
  },
  /** The instance each route leads to, one a line. */
  routes: async () => {
    for (const route of routeNames)
      print(`${route} ${(await instanceAt(env('RUN_DIR'), route)) ?? '-'}`);
    return exitYes;
  },
  audit: async (options) => {
    const { file, ...entry } = options;
    const known = Object.entries(entry).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    );
    const at = new Date(systemClock.nowMs()).toISOString();
    await appendAudit(file ?? `${env('STATE_DIR')}/audit.jsonl`, {
      at,
      ...Object.fromEntries(known),
    });
    return exitYes;
  },
  'check-audit': async () => {
    const line = await firstBrokenLine(`${env('STATE_DIR')}/audit.jsonl`);
    if (line === undefined) return exitYes;
    say(`The audit log was changed: line ${line} does not follow from the one before.`);
    return exitNo;
  },
};

async function main(words: readonly string[]): Promise<number> {
  const [name = '', ...rest] = words;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    say(`There is no verdict "${name}"; there are ${Object.keys(commands).join(', ')}.`);
    return exitUsage;
  }
  const options: Record<string, string> = {};
  for (let at = 0; at < rest.length; at += 2) {
    const [option = '', value] = rest.slice(at, at + 2);
    if (!option.startsWith('--') || value === undefined)
      throw new Error(`Options are pairs like --instance a.r1, and "${option}" is none.`);
    options[option.slice(2)] = value;
  }
  return command(options);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = exitUsage;
  },
);
