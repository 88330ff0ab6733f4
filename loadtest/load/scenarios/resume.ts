/** Rides of two hours are taken up by another instance, which must open them from the stores. */
import { once } from 'node:events';

import { WebSocket } from 'ws';

import { startChild, type Child } from '../child.ts';
import { readingAt } from '../reading.ts';
import type { ScenarioResult } from '../result.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectStart } from '../subjects.ts';
import type { Usage } from '../usage.ts';

/** One a second. */
const eventCount = 7_200;

/** As far back as a replay reaches. */
const missedCount = 500;
const checkpointMs = 1_000;
const frameCommands = 240;

/** Resumes before those that count. */
const warmUpCount = 10;

interface Created {
  readonly client_id: string;
  readonly session_id: string;
  readonly resume_url: string;
}

interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const [former, heir] = [startChild('subject', ['former']), startChild('subject', ['heir'])];
  try {
    const formerPort = await listening(former, stores);
    const count = options.rounds * 4;
    const rides: Ride[] = [];
    while (rides.length < warmUpCount + count) {
      tell(`resume: ride ${rides.length + 1} of ${warmUpCount + count}`);
      rides.push(await makeRide(formerPort));
    }
    await former.kill();
    const port = await listening(heir, stores);
    // In these everything is compiled.
    for (const ride of rides.slice(0, warmUpCount)) await ride.resume(port);
    const before = await heir.ask<Usage>({ kind: 'usage' });
    for (const ride of rides.slice(warmUpCount)) await ride.resume(port);
    const after = await heir.ask<Usage>({ kind: 'usage' });
    const perResumeMs = (after.cpuUs - before.cpuUs) / 1_000 / count;
    return {
      name: 'resume',
      what: `sessions of ${eventCount} events are opened by an instance that does not have them, for clients that missed ${missedCount}`,
      tables: [
        {
          title: 'Server CPU of one resume',
          columns: ['resumes', 'ms'],
          rows: [[count, Number(perResumeMs.toFixed(2))]],
        },
      ],
      charts: [],
      goals: [
        {
          what: 'server time of a resume with a full replay',
          measured: perResumeMs,
          limit: { atMost: 30 },
          unit: 'ms',
        },
      ],
      faults: [],
    };
  } finally {
    await Promise.all([former.kill(), heir.kill()]);
  }
}

function listening(instance: Child, { postgres, redis }: Surroundings['stores']): Promise<number> {
  return instance.ask({
    kind: 'start',
    name: 'durable',
    postgres: postgres.url,
    redis: redis.url,
    checkpointMs,
  } satisfies SubjectStart);
}

interface Ride {
  /** Resolves when the client has all that it missed. */
  resume(port: number): Promise<void>;
}

/** A session with all its events, saved, and a client that has missed the last ones. */
async function makeRide(firstPort: number): Promise<Ride> {
  const answer = await fetch(`http://127.0.0.1:${firstPort}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'reading', input: {} }),
  });
  const { resume_url: resumeUrl } = (await answer.json()) as Created;
  const { pathname, hash } = new URL(resumeUrl);
  const incarnation = 'a-rider-of-two-hours-1';
  let token = hash.slice(1);
  let position: unknown;
  const attach = async (port: number): Promise<{ socket: WebSocket; frames: Frames }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${pathname}`, ['trackstand.v1']);
    const frames = framesOf(socket);
    await once(socket, 'open');
    const hello = { type: 'hello', token, incarnation, kind: 'reading', version: 1 };
    socket.send(JSON.stringify({ ...hello, ...(position !== undefined && { position }) }));
    const welcome = await frames.next(({ type }) => type === 'welcome');
    token = String(welcome['token']);
    position ??= { epoch: welcome['epoch'], offset: 1 + eventCount - missedCount };
    return { socket, frames };
  };
  const { socket, frames } = await attach(firstPort);
  for (let seq = 1; seq <= eventCount; seq += frameCommands) {
    const commands = Array.from({ length: frameCommands }, (_, place) => [
      'read',
      readingAt(seq + place),
      Date.now(),
    ]);
    socket.send(JSON.stringify({ type: 'commands', seq, commands }));
    await frames.next(({ accepted }) => Number(accepted) >= seq + frameCommands - 1);
  }
  await frames.next(({ checkpointed }) => checkpointed === eventCount);
  socket.terminate();
  return {
    resume: async (port) => {
      const again = await attach(port);
      await again.frames.next(({ type }) => type === 'live');
      again.socket.terminate();
    },
  };
}

interface Frames {
  /** The next one that fits, of those that came and come. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>;
}

function framesOf(socket: WebSocket): Frames {
  const waiting: Frame[] = [];
  let look = (): void => {};
  let closed: Error | undefined;
  let fail = (_error: Error): void => {};
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    if (frame.type === 'ping') socket.send(JSON.stringify({ type: 'pong', n: frame['n'] }));
    waiting.push(frame);
    look();
  });
  socket.on('close', (code, reason) => {
    closed = new Error(`The connection was closed with ${code} ${reason.toString()}.`);
    fail(closed);
  });
  return {
    next: (fits) =>
      new Promise((resolve, reject) => {
        fail = reject;
        if (closed !== undefined) reject(closed);
        look = () => {
          while (waiting.length > 0) {
            const frame = waiting.shift();
            if (frame === undefined || !fits(frame)) continue;
            look = () => {};
            resolve(frame);
            return;
          }
        };
        look();
      }),
  };
}

export const resume: Scenario = { what: 'a long session opened by another instance', run };
