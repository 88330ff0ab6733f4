/** Writes the types of the package's doors into `dist/types/`. Plain JS, like the build; apart from it, because a start needs no types. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Throws with the compiler's own words when a type cannot be written down. */
export function writeDeclarations() {
  const { exports: doors } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const sources = Object.values(doors).map(({ types }) =>
    join(root, types.replace('dist/types/', '').replace(/\.d\.ts$/, '.ts')),
  );
  const { options } = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: root,
      outDir: join(root, 'dist', 'types'),
    },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  );
  const program = ts.createProgram(sources, options);
  const { diagnostics } = program.emit(undefined, (path, text, withMark) =>
    ts.sys.writeFile(path, withJsNames(text), withMark),
  );
  if (diagnostics.length > 0)
    throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(options)));
}

/** The sources name each other `.ts`; beside a declaration there is none. */
function withJsNames(text) {
  return text.replace(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeDeclarations();
