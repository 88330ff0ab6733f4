/** Sends one case over a WebSocket and judges every answer. */
import { randomInt } from 'node:crypto';

import { WebSocket } from 'ws';

import { systemClock } from '../../shared/clock.ts';
import { closeClass } from '../../shared/protocol/close-codes.ts';
import { decodeClientFrame, decodeServerFrame } from '../../shared/protocol/codec.ts';
import { problemWithClose, type Documented } from './documented.ts';
import { endingOf, type FrameInput, type WireCase } from './frame-inputs.ts';
import { seated, type Seat } from './seat.ts';

export interface Outcome {
  readonly inputCount: number;
  /** What is wrong with the answers; undefined when nothing is. */
  readonly problem?: string | undefined;
  /** Of an account route: which one, and the status. */
  readonly answer?: string;
}

/** Milliseconds for an answer on a busy machine. */
const answerMaxMs = 20_000;

/** Right frames before the last one may end the connection too: too many at once, another command with that seq. */
const earlierCodes = new Set([4102, 4103, 4204]);

export async function runWire(
  url: string,
  seat: Seat,
  { isGreeted, inputs }: WireCase,
  documented: Documented,
): Promise<Outcome> {
  const ear = isGreeted ? await openGreeted(url, seat) : openEar(url, seat);
  if (ear === undefined) return { inputCount: 1, problem: 'a right hello is not answered by live' };
  let inputCount = 0;
  let expected: readonly number[] | undefined;
  try {
    await ear.opened;
    for (const input of inputs) {
      inputCount++;
      const sent = send(ear, input, seat, url);
      expected = endingOf(sent, isGreeted);
      if (expected !== undefined) break;
      if (!isGreeted && isHello(sent)) {
        await ear.until((type) => type === 'live');
        break;
      }
    }
    const n = randomInt(1_000_000);
    if (expected === undefined) ear.send(JSON.stringify({ type: 'ping', n }));
    const answer = await ear.until(
      (type, frame) => expected === undefined && type === 'pong' && frame['n'] === n,
    );
    return { inputCount, problem: judge(answer, expected, ear.problem(), documented) };
  } catch (error) {
    return { inputCount, problem: error instanceof Error ? error.message : String(error) };
  } finally {
    ear.leave();
  }
}

/** Tries after which a server that says "come back" is at fault. */
const greetingsMax = 5;

/** Undefined when the server does not take a right hello. A session that is just let go says "come back". */
async function openGreeted(url: string, seat: Seat): Promise<Ear | undefined> {
  for (let tries = 0; tries < greetingsMax; tries++) {
    const ear = openEar(url, seat);
    try {
      await ear.opened;
      ear.send(JSON.stringify(helloOf(seat)));
      const answer = await ear.until((type) => type === 'live');
      if (answer === 'frame') return ear;
      if (closeClass(answer) !== 'come-back') return undefined;
    } catch {
      // No answer at all: told as such.
      ear.leave();
      return undefined;
    }
  }
  return undefined;
}

function judge(
  answer: number | 'frame',
  expected: readonly number[] | undefined,
  problem: string | undefined,
  documented: Documented,
): string | undefined {
  if (problem !== undefined || answer === 'frame') return problem;
  if (expected === undefined || expected.includes(answer) || earlierCodes.has(answer))
    return problemWithClose(documented, answer);
  return `closed with ${answer} where ${expected.join(' or ')} is due`;
}

function helloOf({ token }: Seat): object {
  const incarnation = 'incarnation-of-the-fuzzer';
  return {
    type: 'hello',
    token,
    incarnation,
    kind: 'workout',
    version: 1,
  };
}

/** Returns what went out. */
function send(ear: Ear, input: FrameInput, seat: Seat, url: string): FrameInput {
  if ('text' in input) {
    const text = seated(input.text, seat, url);
    ear.send(text);
    countCommands(text, seat);
    return { text };
  }
  const bytes = Buffer.from(
    seated(Buffer.from(input.base64, 'base64').toString('latin1'), seat, url),
    'latin1',
  );
  ear.sendBytes(bytes, input.isBinary);
  if (!input.isBinary) countCommands(bytes.toString('utf8'), seat);
  return { base64: bytes.toString('base64'), isBinary: input.isBinary };
}

function countCommands(text: string, seat: Seat): void {
  const frame = decodedOrNothing(text);
  if (frame?.type === 'commands' && frame.seq <= seat.seq)
    seat.seq = Math.max(seat.seq, frame.seq + frame.commands.length);
}

function isHello(sent: FrameInput): boolean {
  const text = 'text' in sent ? sent.text : Buffer.from(sent.base64, 'base64').toString('utf8');
  return decodedOrNothing(text)?.type === 'hello';
}

function decodedOrNothing(text: string) {
  try {
    return decodeClientFrame(text);
  } catch {
    // Not a frame: judged by the answer.
    return undefined;
  }
}

interface Ear {
  readonly opened: Promise<void>;
  send(text: string): void;
  sendBytes(bytes: Buffer, isBinary: boolean): void;
  /** Resolves with 'frame' at the first frame for which that is true, or with the close code. Rejects after too long. */
  until(is: (type: string, frame: Record<string, unknown>) => boolean): Promise<'frame' | number>;
  /** What was wrong with a frame of the server. */
  problem(): string | undefined;
  leave(): void;
}

function openEar(url: string, seat: Seat): Ear {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${seat.path}`, ['trackstand.v1']);
  let problem: string | undefined;
  let code: number | undefined;
  const frames: Record<string, unknown>[] = [];
  let wake = (): void => {};
  socket.on('message', (bytes: Buffer) => {
    try {
      const frame = decodeServerFrame(bytes.toString('utf8'));
      if (frame.type === 'welcome') seat.seq = frame.accepted + 1;
      if (frame.type === 'gap') seat.seq = frame.expected;
      frames.push(frame);
    } catch (error) {
      problem = `a frame of the server is none: ${String(error)}`;
    }
    wake();
  });
  socket.on('close', (closeCode) => {
    code = closeCode;
    wake();
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  opened.catch(() => {});
  return {
    opened,
    send: (text) => socket.send(text),
    sendBytes: (bytes, isBinary) => socket.send(bytes, { binary: isBinary }),
    until: async (is) => {
      let isLate = false;
      const cancel = systemClock.after(answerMaxMs, () => {
        isLate = true;
        wake();
      });
      try {
        for (;;) {
          for (let frame = frames.shift(); frame !== undefined; frame = frames.shift())
            if (is(String(frame['type']), frame)) return 'frame';
          if (code !== undefined) return code;
          if (isLate) throw new Error('no answer');
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        cancel();
      }
    },
    problem: () => problem,
    leave: () => socket.terminate(),
  };
}
