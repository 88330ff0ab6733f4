/** PGlite's files on disk, with what it leaves out: a commit is synced to the disk before it is answered. */
import { fsyncSync } from 'node:fs';

import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** The part of Emscripten's module that PGlite's types do not describe. */
interface ModuleFiles {
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

/** Files for PGlite's `fs` option. `sync` takes a file descriptor and returns when its file is on the disk. */
export function durableFiles(
  folder: string,
  sync: (descriptor: number) => void = fsyncSync,
): NodeFS {
  const files = new NodeFS(folder);
  const init = files.init.bind(files);
  files.init = async (database, given) => {
    const { emscriptenOpts } = await init(database, given);
    emscriptenOpts.preRun?.push((module) => {
      const { NODEFS } = (module as unknown as ModuleFiles).FS.filesystems;
      NODEFS.stream_ops.fsync = ({ nfd }) => {
        sync(nfd);
        return 0;
      };
    });
    return { emscriptenOpts };
  };
  return files;
}
