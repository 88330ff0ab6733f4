/**
 * Hashes passwords in a thread of its own. Plain JS, so that it runs before any build too. Text in, text out: what it makes is
 * standard bcrypt, which any other implementation checks.
 */
import { getPriority, platform, setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';

import bcrypt from 'bcryptjs';

/** How much nicer than the thread that serves: live sessions come first. 0-19. */
const niceness = 10;

// On Linux a priority belongs to a thread, and 0 means this one; elsewhere it would be the whole process's, live sessions included.
if (platform() === 'linux') setPriority(0, Math.max(getPriority(0), niceness));

/** 128 fixed bits, as bcrypt writes a salt: for hashes nobody keeps. */
const saltOf = (cost) => `$2b$${String(cost).padStart(2, '0')}$abcdefghijklmnopqrstuu`;

/**
 * `hash`: makes one of that cost. `verify`: compares; without a hash it does the work of a comparison all the same, and with a
 * cheaper one it does the rest of the work (2^c + 2^c + 2^(c+1) + ... = 2^cost), so that the time tells nothing.
 * @param {{ kind: 'hash', password: string, cost: number } | { kind: 'verify', password: string, hash: string | undefined, cost: number }} task
 * @returns {{ hash?: string, isRight?: boolean, rounds: number, tookMs: number }}
 */
export function work(task) {
  const startedMs = performance.now();
  const { password, cost } = task;
  if (task.kind === 'hash') {
    const hash = bcrypt.hashSync(password, cost);
    return { hash, rounds: 2 ** cost, tookMs: performance.now() - startedMs };
  }
  const isRight = task.hash !== undefined && bcrypt.compareSync(password, task.hash);
  let rounds = task.hash === undefined ? 0 : 2 ** bcrypt.getRounds(task.hash);
  if (rounds === 0) {
    bcrypt.hashSync(password, saltOf(cost));
    rounds = 2 ** cost;
  }
  while (rounds < 2 ** cost) {
    bcrypt.hashSync(password, saltOf(Math.log2(rounds)));
    rounds *= 2;
  }
  return { isRight, rounds, tookMs: performance.now() - startedMs };
}
