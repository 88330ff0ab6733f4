/** What is measured: ours, and floors to compare with. All take the same events and say when each has been taken. */

/**
 * `durable`: the framework, with Redis and Postgres. `echo`: a bare `ws` server that sends every event back and keeps nothing.
 * `echo-16`: the same with 16 events a frame. `echo-beat`: with a ping for each connection every 20 s. `set`: a bare `ws` server that
 * writes every event into Redis with SET before it answers. `log`, and `log-16` with 16 events a frame: one that writes all that came in
 * a turn into Redis with one command before it answers, and into Postgres at each checkpoint.
 */
export const subjectNames = [
  'durable',
  'echo',
  'echo-16',
  'echo-beat',
  'set',
  'log',
  'log-16',
] as const;
export type SubjectName = (typeof subjectNames)[number];

/** How a subject is told what to do; it answers with its port, or with 0 when it listens on a Unix socket. */
export interface SubjectStart {
  readonly kind: 'start';
  readonly name: SubjectName;
  readonly postgres: string;
  readonly redis: string;
  readonly checkpointMs: number;
  /** With accounts and passwords, whose mails it keeps. */
  readonly hasAccounts?: boolean | undefined;
  /** Unix socket of an instance behind nginx. */
  readonly socketPath?: string | undefined;
}

export type SubjectQuestion =
  | SubjectStart
  /** Answers with `Usage`. */
  | { readonly kind: 'usage' }
  /** Collects garbage first. */
  | { readonly kind: 'memory' }
  | { readonly kind: 'profile'; readonly file: string | undefined }
  /** Answers with what came by mail, by address, and keeps it no more. */
  | { readonly kind: 'mails' }
  /** Hashes passwords for so long, as fast as its threads can. Answers with how many a second. */
  | { readonly kind: 'hash'; readonly seconds: number };
