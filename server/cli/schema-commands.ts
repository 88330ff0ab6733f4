/** `schema …`: which state versions there are, and taking them back before an older release takes over. */
import type { AnyModel } from '../../shared/session/session-model.ts';
import { DowncastRefusedError, tryDowncast } from '../session/downcast-session.ts';
import { knownVersions, type OpeningParts } from '../session/open-session.ts';
import { UsageError, type Command, type Outcome } from './command-table.ts';
import { convertAll } from './convert-all.ts';
import { exitCodes } from './exit-codes.ts';
import { eachNewer, type SessionVersions } from './newer-sessions.ts';
import { parsePairs, readTarget, targetOptions, type TargetVersions } from './target-versions.ts';

export interface SchemaContext {
  readonly release: string;
  readonly models: ReadonlyMap<string, AnyModel>;
  /** Reaches the stores; they are closed by whoever runs the command. */
  readonly stores: () => Promise<OpeningParts & SessionVersions>;
  /** A line for people who wait. */
  readonly progress: (line: string) => void;
}

type SchemaCommand = Command<SchemaContext>;

const withoutRedis = {
  'without-redis': { help: 'the service keeps its log in Postgres alone' },
};

const versions: SchemaCommand = {
  name: 'schema versions',
  summary: 'Prints the schema versions this release knows.',
  options: {},
  run: ({ release, models }) => {
    const known = knownVersions(models);
    const lines = Object.entries(known).map(([kind, version]) => `${kind} ${version}`);
    const json = { release, versions: known };
    return Promise.resolve({ exitCode: exitCodes.done, lines, json });
  },
};

const status: SchemaCommand = {
  name: 'schema status',
  summary: 'Counts the live sessions of each kind and version.',
  options: withoutRedis,
  run: async ({ release, models, stores }) => {
    const { schemas } = await stores();
    const stored = await schemas.census();
    const ceilings = Object.fromEntries(await schemas.ceilings());
    const known = knownVersions(models);
    const lines = [
      ...stored.map(({ kind, version, sessions }) => {
        const note = version > (known[kind] ?? 0) ? '  newer than this release' : '';
        return `${kind} ${version}: ${sessions} sessions${note}`;
      }),
      ...Object.entries(known).map(([kind, version]) => `this release knows ${kind} ${version}`),
      ...Object.entries(ceilings).map(([kind, version]) => `ceiling of ${kind}: ${version}`),
    ];
    return {
      exitCode: exitCodes.done,
      lines,
      json: { release, versions: known, ceilings, stored },
    };
  },
};

const checkRollback: SchemaCommand = {
  name: 'schema check-rollback',
  summary:
    'Says whether an older release could own every live session. 0: yes, 3: after `schema downcast`, 4: no.',
  options: { ...targetOptions, ...withoutRedis },
  run: async ({ stores }, options) => {
    const target = await readTarget(options);
    const parts = await stores();
    const unknown = await unknownKinds(parts, target);
    const kinds = [...unknown];
    for (const [kind, version] of target.versions) {
      let [convertible, refused] = [0, 0];
      let reason: string | undefined;
      await eachNewer(parts, { kind, version }, async (sessionId) => {
        const problem = await refusal(tryDowncast(parts, sessionId, version));
        if (problem === undefined) convertible++;
        else refused++;
        reason ??= problem;
      });
      kinds.push({ kind, to: version, convertible, refused, reason });
    }
    return verdict(kinds);
  },
};

interface KindVerdict {
  readonly kind: string;
  readonly to: number;
  readonly convertible: number;
  readonly refused: number;
  readonly reason: string | undefined;
}

/** Kinds with sessions that the release to go back to has never heard of. */
async function unknownKinds(
  { schemas }: SessionVersions,
  { versions, isWhole }: TargetVersions,
): Promise<KindVerdict[]> {
  if (!isWhole) return [];
  const foreign = (await schemas.census()).filter(({ kind }) => !versions.has(kind));
  const reason = 'the release to go back to does not know this kind';
  return [...new Set(foreign.map(({ kind }) => kind))].map((kind) => {
    const counts = foreign.filter((row) => row.kind === kind).map(({ sessions }) => sessions);
    const refused = counts.reduce((sum, count) => sum + count, 0);
    return { kind, to: 0, convertible: 0, refused, reason };
  });
}

function verdict(kinds: readonly KindVerdict[]): Outcome {
  const isRefused = kinds.some(({ refused }) => refused > 0);
  const isNewer = kinds.some(({ convertible }) => convertible > 0);
  const lines = kinds.map(({ kind, to, convertible, refused, reason }) => {
    if (refused > 0) return `refused: ${refused} sessions of ${kind}: ${reason}`;
    if (convertible > 0) return `${convertible} sessions of ${kind} need a downcast to ${to}`;
    return `no session of ${kind} is newer than ${to}`;
  });
  const exitCode = isRefused
    ? exitCodes.refused
    : isNewer
      ? exitCodes.needsDowncast
      : exitCodes.done;
  return { exitCode, lines, json: { kinds } };
}

async function refusal(asked: Promise<unknown>): Promise<string | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    if (error instanceof DowncastRefusedError) return error.message;
    throw error;
  }
}

const downcast: SchemaCommand = {
  name: 'schema downcast',
  summary:
    'Sets a ceiling and takes every newer session back. Run by the newer release; safe to run again.',
  options: { ...targetOptions, ...withoutRedis },
  run: async (context, options) => {
    const target = await readTarget(options);
    const { models, stores, progress } = context;
    const parts = await stores();
    const unknown = await unknownKinds(parts, target);
    if (unknown.length > 0) return verdict(unknown);
    return convertAll(parts, models, target.versions, progress);
  },
};

const ceiling: SchemaCommand = {
  name: 'schema ceiling',
  summary: 'Shows, sets or lifts how far states are raised.',
  options: {
    set: { help: 'raise no state above these', value: 'kind=version[,…]' },
    lift: { help: 'let states of these kinds be raised again', value: 'kind[,…]' },
    ...withoutRedis,
  },
  run: async ({ stores }, { set, lift }) => {
    if (set !== undefined && lift !== undefined)
      throw new UsageError('Either --set or --lift, not both.');
    const { schemas } = await stores();
    if (typeof set === 'string')
      for (const [kind, version] of parsePairs(set)) await schemas.setCeiling(kind, version);
    if (typeof lift === 'string')
      for (const kind of lift.split(',')) await schemas.liftCeiling(kind);
    const ceilings = Object.fromEntries(await schemas.ceilings());
    const lines = Object.entries(ceilings).map(([kind, version]) => `${kind} ${version}`);
    return {
      exitCode: exitCodes.done,
      lines: lines.length > 0 ? lines : ['no ceiling'],
      json: { ceilings },
    };
  },
};

export const schemaCommands: readonly SchemaCommand[] = [
  versions,
  status,
  checkRollback,
  downcast,
  ceiling,
];
