/**
 * PGlite's files on disk, with the two things it leaves out: a commit is synced to the disk before it is answered, and
 * a backend that has died takes its process along instead of going on half alive.
 */
import { fsyncSync } from 'node:fs';

import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** PGlite calls exit with these in normal life: an error was raised; the main function has returned. */
const livingExitCodes = new Set([99, 100]);

/** The parts of Emscripten's module that PGlite's types do not describe. */
interface ModuleInternals {
  onAbort?: (reason: unknown) => void;
  instantiateWasm: (imports: WebAssembly.Imports, done: unknown) => unknown;
  FS: {
    filesystems: {
      NODEFS: { stream_ops: { fsync?: (stream: { readonly nfd: number }) => number } };
    };
  };
}

/**
 * PGlite's own parameters but for `-F`, which turns syncing off. Emscripten's fdatasync does nothing, its fsync asks the
 * file system, so that is the way to sync.
 */
export const durableStartParams: readonly string[] = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  '-c',
  'fsync=on',
  '-c',
  'wal_sync_method=fsync',
];

/**
 * Files for PGlite's `fs` option. `onDeath` is told when the backend panicked or ended itself: nothing it says counts
 * any more. `sync` takes a file descriptor and returns when its file is on the disk.
 */
export function durableFiles(
  folder: string,
  onDeath: (reason: string) => void,
  sync: (descriptor: number) => void = fsyncSync,
): NodeFS {
  const files = new NodeFS(folder);
  const init = files.init.bind(files);
  files.init = async (database, given) => {
    const { emscriptenOpts } = await init(database, given);
    const internals = emscriptenOpts as unknown as ModuleInternals;
    internals.onAbort = (reason) => onDeath(String(reason));
    internals.instantiateWasm = watchExits(internals.instantiateWasm, onDeath);
    emscriptenOpts.preRun?.push((module) => {
      const { NODEFS } = (module as unknown as ModuleInternals).FS.filesystems;
      NODEFS.stream_ops.fsync = ({ nfd }) => {
        sync(nfd);
        return 0;
      };
    });
    return { emscriptenOpts };
  };
  return files;
}

function watchExits(
  instantiate: ModuleInternals['instantiateWasm'],
  onDeath: (reason: string) => void,
): ModuleInternals['instantiateWasm'] {
  return (imports, done) => {
    // Both names are one object, which loaded extensions go on using: it is copied, not changed.
    const functions = { ...imports['env'] };
    for (const name of ['exit', 'proc_exit']) {
      const exit = functions[name] as (code: number) => unknown;
      functions[name] = (code: number) => {
        if (!livingExitCodes.has(code)) onDeath(`exit ${code}`);
        return exit(code);
      };
    }
    return instantiate({ ...imports, env: functions, wasi_snapshot_preview1: functions }, done);
  };
}
