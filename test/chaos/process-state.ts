/** What the system says of a process. */
import { readFileSync } from 'node:fs';

/** The letter of /proc: `T` while it is stopped, `Z` when it has ended and nobody has asked yet how. Throws when there is none. */
export function processState(pid: number | undefined): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
}
