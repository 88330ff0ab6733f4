/** The simulator with a mistake in the product's own source: built anew with the line changed, so that the product needs no switch. */
import { fileURLToPath } from 'node:url';

import { mutants } from './mutants.ts';
import { simulate } from './simulate.ts';
import type { Edit } from './tampering.ts';

export type Simulate = typeof simulate;

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The simulator for a planted bug; the bug's tampering, if it has one, is for the caller to give. */
export async function simulatorOf(mutant: string | undefined): Promise<Simulate> {
  const { edits } = (mutant === undefined ? undefined : mutants[mutant]) ?? {};
  return edits === undefined ? simulate : await withEdits(edits);
}

/** Throws when a line to be changed is not there exactly once: a bug that is not planted would be missed by everybody. */
async function withEdits(edits: readonly Edit[]): Promise<Simulate> {
  const { build } = await import('rolldown');
  const planted = new Set<Edit>();
  const { output } = await build({
    cwd: repository,
    input: 'test/simulation/simulate.ts',
    platform: 'node',
    plugins: [
      {
        name: 'planted-bug',
        transform: (code, id) => {
          const here = edits.filter(({ file }) => id.endsWith(`/${file}`));
          for (const edit of here) planted.add(edit);
          return here.length === 0 ? undefined : here.reduce(edited, code);
        },
      },
    ],
    output: { format: 'esm', codeSplitting: false },
    write: false,
    logLevel: 'warn',
  });
  for (const edit of edits)
    if (!planted.has(edit)) throw new Error(`The simulator does not use ${edit.file}.`);
  const text = Buffer.from(output[0].code).toString('base64');
  const built = (await import(/* @vite-ignore */ `data:text/javascript;base64,${text}`)) as {
    readonly simulate: Simulate;
  };
  return built.simulate;
}

function edited(code: string, { file, from, to }: Edit): string {
  const [before, after, ...more] = code.split(from);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} has "${from}" ${more.length === 0 ? 'nowhere' : 'more than once'}.`);
  return `${before}${to}${after}`;
}
