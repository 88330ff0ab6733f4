import { describe, expect, test } from 'vitest';

import type { Child, Ending } from '../../deploy/local/child.ts';
import { restartDelayMs, supervise, type Program } from '../../deploy/local/supervise.ts';

interface FakeChild extends Child {
  end(ending: Ending): void;
  readonly signals: NodeJS.Signals[];
}

const crashed: Ending = { code: null, signal: 'SIGSEGV' };

function fakeChild(): FakeChild {
  let isAlive = true;
  let resolveEnded: (ending: Ending) => void;
  const ended = new Promise<Ending>((resolve) => {
    resolveEnded = resolve;
  });
  const signals: NodeJS.Signals[] = [];
  const end = (ending: Ending) => {
    isAlive = false;
    resolveEnded(ending);
  };
  return {
    pid: 1,
    ended,
    isAlive: () => isAlive,
    output: async () => '',
    signals,
    end,
    send: (signal) => {
      signals.push(signal);
      end({ code: null, signal });
    },
  };
}

/** A program whose processes the test ends; the starts named in `failing` (from 1) fail. */
function fakeProgram(failing: readonly number[] = []) {
  const children: FakeChild[] = [];
  const told: string[] = [];
  const stopping = new AbortController();
  let starts = 0;
  let onChild: (() => void) | undefined;
  const program: Program = {
    name: 'It',
    graceMs: 60_000,
    start: async () => {
      starts += 1;
      if (failing.includes(starts)) throw new Error(`start ${starts} failed`);
      const child = fakeChild();
      children.push(child);
      onChild?.();
      return child;
    },
  };
  return {
    program,
    children,
    told,
    stopping,
    run: () => supervise(program, stopping.signal, (sentence) => told.push(sentence)),
    untilChildren: async (count: number) => {
      while (children.length < count) {
        await new Promise<void>((resolve) => {
          onChild = resolve;
        });
      }
    },
  };
}

describe('a supervised program', () => {
  test('is started again when it crashes, and both are told', async () => {
    const fake = fakeProgram();
    const supervised = await fake.run();
    fake.children[0]?.end(crashed);
    await fake.untilChildren(2);
    fake.stopping.abort();
    await supervised.stop();
    expect(fake.told[0]).toBe('It ended (SIGSEGV) and is started again.');
    expect(fake.children).toHaveLength(2);
  });

  test('is tried again when it does not start', async () => {
    const fake = fakeProgram([2, 3]);
    const supervised = await fake.run();
    fake.children[0]?.end(crashed);
    await fake.untilChildren(2);
    fake.stopping.abort();
    await supervised.stop();
    expect(fake.told.slice(0, 3)).toEqual([
      'It ended (SIGSEGV) and is started again.',
      'It does not start: start 2 failed',
      'It does not start: start 3 failed',
    ]);
  });

  test('is exchanged by either signal without a word of a crash', async () => {
    const fake = fakeProgram();
    const supervised = await fake.run();
    expect(await supervised.exchange('SIGTERM')).toBeDefined();
    expect(await supervised.exchange('SIGKILL')).toBeDefined();
    expect(fake.children.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGKILL'], []]);
    expect(fake.told).toEqual([]);
    fake.stopping.abort();
    await supervised.stop();
  });

  test('is not exchanged twice at once', async () => {
    const fake = fakeProgram();
    const supervised = await fake.run();
    const both = await Promise.all([
      supervised.exchange('SIGTERM'),
      supervised.exchange('SIGTERM'),
    ]);
    expect(both.filter((exchange) => exchange !== undefined)).toHaveLength(1);
    expect(fake.children).toHaveLength(2);
    fake.stopping.abort();
    await supervised.stop();
  });

  test('that is stopped is not started again', async () => {
    const fake = fakeProgram();
    const supervised = await fake.run();
    fake.stopping.abort();
    await supervised.stop();
    expect(fake.children.map(({ signals }) => signals)).toEqual([['SIGTERM']]);
    expect(fake.told).toEqual([]);
  });

  test('whose first start fails throws the reason', async () => {
    await expect(fakeProgram([1]).run()).rejects.toThrow('start 1 failed');
  });

  test('waits longer after each failure, with a bound', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 100].map(restartDelayMs);
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
  });
});
