/** Unix sockets live at paths, and those are short. */
import { join } from 'node:path';

import { CannotStart } from './cannot-start.ts';

/** Linux cuts the path of a Unix socket at 107 bytes, macOS at 103. */
const pathBytesMax = 103;

/** Where Postgres clients look for the socket in a folder that a URL names as its host. */
export function postgresSocket(folder: string): string {
  return join(folder, '.s.PGSQL.5432');
}

/** The URL by which `pg` and `psql` reach that socket. */
export function postgresUrl(folder: string): string {
  return `postgres:///postgres?host=${encodeURIComponent(folder)}&user=postgres`;
}

/** Throws CannotStart when the folder's path is so long that its socket could not be made. */
export function checkSocketPath(folder: string): void {
  if (Buffer.byteLength(postgresSocket(folder)) <= pathBytesMax) return;
  throw new CannotStart(
    `The path ${folder} is too long to hold a socket: set TRACKSTAND_DATA to a shorter one.`,
  );
}
