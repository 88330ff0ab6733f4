/** The schema versions of the release one wants to go back to. */
import { readFile } from 'node:fs/promises';

import * as v from 'valibot';

import { UsageError, type Options } from './command-table.ts';

export interface TargetVersions {
  readonly versions: ReadonlyMap<string, number>;
  /** Whether a kind that is not named is one the target does not know. */
  readonly isWhole: boolean;
}

const printed = v.object({
  versions: v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(1))),
});

export const targetOptions = {
  to: { help: 'versions to go back to', value: 'kind=version[,…]' },
  'to-file': {
    help: 'or a file with what the older release says to `schema versions --json`',
    value: 'path',
  },
};

/** Throws UsageError. */
export async function readTarget({ to, 'to-file': path }: Options): Promise<TargetVersions> {
  if (typeof to === 'string' && path === undefined)
    return { versions: parsePairs(to), isWhole: false };
  if (typeof path === 'string' && to === undefined)
    return { versions: await readPrinted(path), isWhole: true };
  throw new UsageError('Say where to go back to: either --to or --to-file.');
}

/** `kind=version[,kind=version…]`. Throws UsageError. */
export function parsePairs(text: string): ReadonlyMap<string, number> {
  const pairs = text.split(',').map((pair) => {
    const [, kind, version] = /^([a-z][a-z0-9-]{0,31})=([1-9]\d{0,8})$/.exec(pair) ?? [];
    if (kind === undefined) throw new UsageError(`"${pair}" is not kind=version.`);
    return [kind, Number(version)] as const;
  });
  return new Map(pairs);
}

async function readPrinted(path: string): Promise<ReadonlyMap<string, number>> {
  try {
    const { versions } = v.parse(printed, JSON.parse(await readFile(path, 'utf8')));
    return new Map(Object.entries(versions));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} is not what \`schema versions --json\` prints: ${reason}`);
  }
}
