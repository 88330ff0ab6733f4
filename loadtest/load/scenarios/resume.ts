/** A ride of two hours is taken up by one instance after the other, each of which must open it from the stores. */
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

/** Resumes before those that count, in which everything is compiled. */
const warmUpCount = 40;

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
  const instances = [startChild('subject', ['one']), startChild('subject', ['other'])];
  try {
    const ports: number[] = [];
    for (const instance of instances) ports.push(await listening(instance, stores));
    tell(`resume: ${eventCount} events are given`);
    const rider = await makeRide(ports[0] ?? 0);
    const count = options.rounds * 20;
    for (let turn = 0; turn < warmUpCount; turn++) await rider.resume(ports[turn % 2] ?? 0);
    tell(`resume: ${count} times`);
    const before = await cpuMs(instances);
    for (let turn = 0; turn < count; turn++) await rider.resume(ports[turn % 2] ?? 0);
    const perResumeMs = ((await cpuMs(instances)) - before) / count;
    return {
      name: 'resume',
      what: `a session of ${eventCount} events is opened by an instance that does not have it, for a client that missed ${missedCount}`,
      tables: [
        {
          title: 'Server CPU of one resume, both instances together',
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
    await Promise.all(instances.map((instance) => instance.kill()));
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

async function cpuMs(instances: readonly Child[]): Promise<number> {
  const usages = await Promise.all(
    instances.map((instance) => instance.ask<Usage>({ kind: 'usage' })),
  );
  return usages.reduce((sum, { cpuUs }) => sum + cpuUs / 1_000, 0);
}

/** A session with all its events, saved, and a client that takes it up again from the same place each time. */
async function makeRide(firstPort: number): Promise<{ resume(port: number): Promise<void> }> {
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
    ({ token } = welcome as unknown as { token: string });
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
  let fail = (_error: Error): void => {};
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    if (frame.type === 'ping') socket.send(JSON.stringify({ type: 'pong', n: frame['n'] }));
    waiting.push(frame);
    look();
  });
  socket.on('close', (code, reason) => fail(new Error(`closed with ${code} ${reason.toString()}`)));
  return {
    next: (fits) =>
      new Promise((resolve, reject) => {
        fail = reject;
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
