/** Open-loop load through the proxy: every request has its moment, whatever became of the ones before. */
import { Agent, request } from 'node:http';

import { WebSocket } from 'ws';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { slowPath } from './slow-page.ts';

export const kinds = ['get-new', 'get-kept', 'get-slow', 'post', 'upgrade'] as const;
export type Kind = (typeof kinds)[number];

export interface Tally {
  sent: number;
  /** Answers as they must be. */
  good: number;
  /** What went wrong, by what it was. */
  readonly bad: Map<string, number>;
  /** Milliseconds, of good answers. */
  readonly durationsMs: number[];
}

export interface Load {
  readonly tallies: Readonly<Record<Kind, Tally>>;
  /** Sends nothing more, and resolves when everything sent has been answered. */
  stop(): Promise<void>;
}

/** Milliseconds without an answer count as a failure. */
const answerTimeoutMs = 60_000;
const tickMs = 20;

/** `perS`: requests of each kind a second. */
export function startLoad(url: string, perS: Readonly<Record<Kind, number>>): Load {
  // With a time of its own it heeds the one the proxy tells of.
  const agent = new Agent({ keepAlive: true, timeout: answerTimeoutMs });
  const tallies = {
    'get-new': emptyTally(),
    'get-kept': emptyTally(),
    'get-slow': emptyTally(),
    post: emptyTally(),
    upgrade: emptyTally(),
  };
  const underWay = new Set<Promise<void>>();
  const send: Readonly<Record<Kind, () => Promise<string | undefined>>> = {
    'get-new': () => ask(`${url}/version`, { expected: 200 }),
    'get-kept': () => ask(`${url}/version`, { expected: 200, agent }),
    'get-slow': () => ask(`${url}${slowPath}`, { expected: 200, agent }),
    post: () => ask(`${url}/v1/sessions`, { expected: 201, agent, body: creation }),
    upgrade: () => upgrade(url),
  };
  const startMs = performance.now();
  const timer = setInterval(() => {
    for (const kind of kinds) {
      const tally = tallies[kind];
      const dueCount = ((performance.now() - startMs) / 1000) * perS[kind];
      while (tally.sent < dueCount) {
        tally.sent++;
        const doing = count(tally, send[kind]).finally(() => underWay.delete(doing));
        underWay.add(doing);
      }
    }
  }, tickMs);
  return {
    tallies,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
    },
  };
}

const emptyTally = (): Tally => ({ sent: 0, good: 0, bad: new Map(), durationsMs: [] });

const creation = JSON.stringify({
  kind: 'workout',
  input: { plan: builtInPlans[0]?.plan, ftpW: 200 },
});

/** `attempt` resolves to what went wrong, if anything. */
async function count(tally: Tally, attempt: () => Promise<string | undefined>): Promise<void> {
  const startMs = performance.now();
  const fault = await attempt();
  if (fault !== undefined) {
    tally.bad.set(fault, (tally.bad.get(fault) ?? 0) + 1);
    return;
  }
  tally.good++;
  tally.durationsMs.push(performance.now() - startMs);
}

function ask(
  url: string,
  { expected, agent, body }: { expected: number; agent?: Agent; body?: string },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request(
      url,
      {
        agent: agent ?? false,
        method: body === undefined ? 'GET' : 'POST',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        timeout: answerTimeoutMs,
      },
      (response) => {
        const { statusCode } = response;
        response.resume();
        response.once('error', (error) => resolve(error.message));
        response.once('end', () =>
          resolve(statusCode === expected ? undefined : String(statusCode)),
        );
      },
    );
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
}

/** A WebSocket of a session that does not exist: what counts is that an instance takes it, and says so by its own code. */
function upgrade(url: string): Promise<string | undefined> {
  const id = Math.round(performance.now() * 1_000_000)
    .toString(36)
    .padStart(22, 'x');
  return new Promise((resolve) => {
    const socket = new WebSocket(
      `${url.replace(/^http/, 'ws')}/v1/sessions/${id}/clients/${id}`,
      ['unknown.protocol'],
      { handshakeTimeout: answerTimeoutMs },
    );
    socket.once('close', (code) =>
      resolve(code >= 4000 && code < 4100 ? undefined : `closed ${code}`),
    );
    socket.once('error', (error) => resolve(error.message));
  });
}
