/** A process of a measurement: subject or generator, started from the build, asked over IPC. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly pid: number;
  /** Asks for something and resolves to the answer; rejects when the process ends before it answers, or answers with an error. */
  ask<Answer>(question: unknown): Promise<Answer>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

/** What goes over IPC. */
export type Question = { readonly id: number; readonly question: unknown };
export type Reply = { readonly id: number } & (
  | { readonly answer: unknown }
  | { readonly error: string }
);

/** As `deploy/` starts the service, and so each subject that is measured beside it. */
export const serviceOptions = ['--max-semi-space-size=32'];

/** `name`: of the bundle beside this one. */
export function startChild(
  name: string,
  args: readonly string[],
  execArgv: readonly string[] = [],
): Child {
  const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const options = name === 'subject' ? [...serviceOptions, ...execArgv] : [...execArgv];
  const child = fork(file, args, { execArgv: options, serialization: 'advanced' });
  const waiting = new Map<number, { resolve: (a: never) => void; reject: (e: Error) => void }>();
  let count = 0;
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) asked?.reject(new Error(`${name} ${args.join(' ')}: ${reply.error}`));
    else asked?.resolve(reply.answer as never);
  });
  child.once('exit', (code, signal) => {
    const error = new Error(`${name} ${args.join(' ')} ended with ${signal ?? code}.`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return {
    pid: child.pid ?? 0,
    ask: (question) => {
      const asked = new Promise<never>((resolve, reject) => {
        const id = ++count;
        waiting.set(id, { resolve, reject });
        child.send({ id, question } satisfies Question, (error) => error && reject(error));
      });
      // Who asks may be gone before the answer, because something else failed first: that is what is to be told then.
      asked.catch(() => {});
      return asked;
    },
    kill: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The other side: answers what the parent asks until the parent is gone. */
export function answerParent(answer: (question: never) => unknown): void {
  process.on('message', ({ id, question }: Question) => {
    void Promise.resolve()
      .then(() => answer(question as never))
      .then(
        (result) => process.send?.({ id, answer: result } satisfies Reply),
        (error: unknown) => process.send?.({ id, error: String(error) } satisfies Reply),
      );
  });
  process.once('disconnect', () => process.exit(0));
}
