/** Bare servers to compare with: what each does with an event, and nothing else. */
import { Redis } from 'ioredis';
import pg from 'pg';

import type { SubjectName, SubjectStart } from './subjects.ts';

export interface Floor {
  /** Takes a frame as text; answers when it has done with it. */
  readonly take: (text: string, answer: (text: string) => void) => void;
  /** Milliseconds from one ping to the next, of each connection. */
  readonly heartbeatMs?: number | undefined;
}

/** As the service has it. */
const heartbeatMs = 20_000;

const echo = (): Floor => ({ take: (text, answer) => answer(text) });

export const floors: Readonly<
  Record<Exclude<SubjectName, 'durable'>, (start: SubjectStart) => Floor>
> = {
  echo,
  'echo-16': echo,
  'echo-beat': () => ({ ...echo(), heartbeatMs }),
  set: ({ redis: url }) => {
    const redis = new Redis(url);
    let count = 0;
    return {
      take: (text, answer) => {
        void redis.set(`event:${++count % 1_000}`, text).then(() => answer(text));
      },
    };
  },
  log,
  'log-16': log,
};

/**
 * The least that a server does which loses nothing it has answered: everything that came in one turn goes into Redis with one command
 * before it is answered, and into Postgres with one row for all of it at the next checkpoint. No sessions, nothing decided, checked or
 * numbered, and what comes twice is there twice.
 */
function log({ redis: redisUrl, postgres, checkpointMs }: SubjectStart): Floor {
  const redis = new Redis(redisUrl);
  const pool = new pg.Pool({ connectionString: postgres, max: 1 });
  const isReady = pool.query('create table if not exists floor_log (entries text)');
  let waiting: { readonly text: string; readonly answer: (text: string) => void }[] = [];
  let unsaved: string[] = [];
  let part = 0;
  let isWriting = false;
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await redis.rpush(`log:${part}`, ...group.map(({ text }) => text));
      for (const { text, answer } of group) {
        unsaved.push(text);
        answer(text);
      }
    }
    isWriting = false;
  };
  setInterval(() => {
    if (unsaved.length === 0) return;
    const [texts, saved] = [unsaved, part++];
    unsaved = [];
    void isReady
      .then(() => pool.query('insert into floor_log values ($1)', [texts.join(',')]))
      .then(() => redis.unlink(`log:${saved}`));
  }, checkpointMs);
  return {
    take: (text, answer) => {
      waiting.push({ text, answer });
      if (isWriting) return;
      isWriting = true;
      setImmediate(() => void write());
    },
  };
}
