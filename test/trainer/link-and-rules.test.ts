import { describe, expect, test } from 'vitest';

import { devicePanel, type DevicePanelFacts } from '../../client/app/device-text.ts';
import { keepDevice } from '../../client/app/trainer/device-keeper.ts';
import {
  connectMaxMs,
  firstLink,
  silentMaxMs,
  stepLink,
  type DeviceLink,
  type LinkInput,
} from '../../client/app/trainer/device-link.ts';
import type { GattLink } from '../../client/app/trainer/gatt.ts';
import {
  meetMachine,
  nextRequest,
  withoutControl,
  withResponse,
} from '../../client/app/trainer/machine-control.ts';
import {
  resting,
  soften,
  type Legs,
  type SoftTarget,
} from '../../client/app/trainer/soft-target.ts';
import { manualTicker } from '../app/manual-ticker.ts';
import { manualClock } from '../support/manual-clock.ts';

/** Every promise that could go on has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the link to a device', () => {
  const after = (...inputs: readonly (readonly [LinkInput, number])[]) =>
    inputs.reduce(({ link }, [input, nowMs]) => stepLink(link, input, nowMs), firstLink(0));

  test('an attempt that hangs is given up, and another is made', () => {
    expect(after(['tick', connectMaxMs - 1]).link.phase).toBe('connecting');
    expect(after(['tick', connectMaxMs])).toMatchObject({
      link: { phase: 'waiting' },
      act: 'hang-up',
    });
    expect(after(['tick', connectMaxMs], ['tick', connectMaxMs + 1_000])).toMatchObject({
      link: { phase: 'connecting', attempt: 2 },
      act: 'connect',
    });
  });

  test('a lost link is reached for at once, then ever more patiently, eight seconds at most', () => {
    let link: DeviceLink = { phase: 'open', heardMs: 0 };
    let nowMs = 0;
    const waits: number[] = [];
    for (let failure = 0; failure < 7; failure += 1) {
      ({ link } = stepLink(link, 'broke', nowMs));
      if (link.phase !== 'waiting') throw new Error('It waits.');
      waits.push(link.untilMs - nowMs);
      nowMs = link.untilMs;
      ({ link } = stepLink(link, 'tick', nowMs));
    }
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  test('an open link that says nothing is left, one that talks is kept', () => {
    expect(after(['opened', 0], ['tick', silentMaxMs - 1]).act).toBeNull();
    expect(after(['opened', 0], ['tick', silentMaxMs]).act).toBe('hang-up');
    expect(after(['opened', 0], ['heard', 5_000], ['tick', silentMaxMs]).act).toBeNull();
  });

  test('a tap connects at once, and does nothing to a link that is open', () => {
    expect(after(['broke', 0], ['retry', 1]).act).toBe('connect');
    expect(after(['opened', 0], ['retry', 1]).act).toBeNull();
  });

  test('what is closed stays closed', () => {
    expect(after(['close', 0]).act).toBe('hang-up');
    expect(after(['close', 0], ['opened', 1], ['retry', 2])).toEqual({
      link: { phase: 'closed' },
      act: null,
    });
  });
});

describe('a device that is kept', () => {
  test('an attempt that was given up changes nothing when it succeeds all the same', async () => {
    const clock = manualClock(0);
    const ticker = manualTicker();
    const reached: ((link: GattLink) => void)[] = [];
    const used: number[] = [];
    const linkOf = (number: number): GattLink => ({
      ...({} as GattLink),
      onClosed: () => void number,
    });
    const links = [linkOf(0), linkOf(1)] as const;
    const device = {
      id: '1',
      name: 'Slow',
      connect: () => new Promise<GattLink>((resolve) => reached.push(resolve)),
      disconnect: () => {},
    };
    const keeper = keepDevice({
      device,
      clock,
      ticker,
      open: (link) => Promise.resolve(() => void used.push(links.indexOf(link as never))),
      lost: () => {},
    });
    keeper.retry();
    reached[0]?.(links[0]);
    await settled();
    expect([used, keeper.view().link]).toEqual([[], 'connecting']);
    reached[1]?.(links[1]);
    await settled();
    expect([used, keeper.view().link]).toEqual([[1], 'ready']);
  });
});

describe('the control over a machine', () => {
  test('an answer from before control was lost says nothing about what the machine is set to', () => {
    const target = { kind: 'power', powerW: 200 } as const;
    let control = meetMachine(null, null);
    const asked: string[] = [];
    const ask = (): void => {
      const next = nextRequest(control, target, 0);
      control = next.control;
      asked.push(next.request?.kind ?? 'nothing');
    };
    const answer = (opCode: number): void => {
      control = withResponse(control, { opCode, result: 'done' }, 0);
    };
    const askAndAnswer = (opCode: number): void => {
      ask();
      answer(opCode);
    };
    askAndAnswer(0);
    askAndAnswer(7);
    ask();
    control = withoutControl(control);
    ask();
    answer(5);
    askAndAnswer(0);
    askAndAnswer(7);
    ask();
    expect(asked).toEqual(
      'take-control start set-power nothing take-control start set-power'.split(' '),
    );
  });

  test('what a machine turns down as such is not asked again, another target is', () => {
    let control = { ...meetMachine(null, null), hasControl: true, isStarted: true };
    const ask = (powerW: number) => {
      const next = nextRequest(control, { kind: 'power', powerW }, 0);
      control = next.control;
      return next.request;
    };
    expect(ask(200)).toEqual({ kind: 'set-power', powerW: 200 });
    control = withResponse(control, { opCode: 5, result: 'invalid' }, 0);
    expect(ask(200)).toBeNull();
    expect(ask(210)).toEqual({ kind: 'set-power', powerW: 210 });
  });
});

describe('a soft target', () => {
  const target = { kind: 'power', powerW: 200 } as const;
  /** One look a second at these legs; what the trainer was told. */
  const told = (legs: readonly Legs[], from: SoftTarget = resting): readonly (number | null)[] => {
    let soft = from;
    return legs.map((leg, second) => {
      const softened = soften(soft, target, leg, second * 1000);
      soft = softened.soft;
      return softened.target.kind === 'power' ? softened.target.powerW : null;
    });
  };
  const legs = (count: number, cadenceRpm: number | null, powerW: number | null): Legs[] =>
    Array.from({ length: count }, () => ({ cadenceRpm, powerW }));
  const following: SoftTarget = { phase: 'following', slowMs: null };

  test('waits for legs that turn, then rises in five seconds', () => {
    expect(told([...legs(3, 0, 0), ...legs(9, 80, 60)])).toEqual([
      100, 100, 100, 100, 100, 100, 120, 140, 160, 180, 200, 200,
    ]);
  });

  test('begins where the legs are, when that is less than half', () => {
    expect(told(legs(8, 80, 40))).toEqual([40, 40, 40, 72, 104, 136, 168, 200]);
  });

  test('is halved when the legs get stuck for three seconds, or stop', () => {
    expect(told(legs(5, 40, 150), following)).toEqual([200, 200, 200, 100, 100]);
    expect(told(legs(5, 0, 0), following)).toEqual([200, 200, 200, 100, 100]);
    expect(
      told([...legs(2, 40, 150), ...legs(1, 70, 150), ...legs(3, 40, 150)], following),
    ).toEqual([200, 200, 200, 200, 200, 200]);
  });

  test('a machine that measures no cadence is no stuck one', () => {
    expect(told(legs(6, 0, 180), following)).toEqual(Array.from({ length: 6 }, () => 200));
    expect(told(legs(6, null, 180), following)).toEqual(Array.from({ length: 6 }, () => 200));
    expect(told(legs(9, null, 60)).at(-1)).toBe(200);
  });

  test('rest and free go through as they are, and what follows rest begins softly', () => {
    const rest = soften(following, { kind: 'rest' }, { powerW: 200, cadenceRpm: 90 }, 0);
    expect(rest).toEqual({ soft: resting, target: { kind: 'rest' } });
    expect(told(legs(1, 90, 200), rest.soft)).toEqual([100]);
    const free = soften(resting, { kind: 'free', easyW: 110 }, { powerW: 0, cadenceRpm: 0 }, 0);
    expect(told(legs(1, 90, 200), free.soft)).toEqual([200]);
  });
});

describe('what the page says of the devices', () => {
  const facts: DevicePanelFacts = {
    trainer: {
      name: 'KICKR',
      link: 'ready',
      abilities: { takesPower: true, takesGrade: true, levels: null },
      strap: null,
    },
    isSimulated: false,
    hasBluetooth: true,
    phase: 'riding',
    isFree: false,
  };
  const panel = (change: Partial<DevicePanelFacts>) => devicePanel({ ...facts, ...change });

  test('while all is well in a ride: what is ridden with, and nothing to tap', () => {
    const strap = { name: 'H10', link: 'ready' } as const;
    expect(panel({ trainer: { ...facts.trainer, strap } })).toEqual({
      line: 'KICKR · H10',
      note: '',
      isUrgent: false,
      offers: [],
    });
  });

  test('out of reach: one tap to reconnect, also in mid-ride', () => {
    expect(panel({ trainer: { ...facts.trainer, link: 'lost' } })).toMatchObject({
      line: 'KICKR: out of reach',
      isUrgent: true,
      offers: ['reconnect', 'choose-trainer'],
    });
  });

  test('a browser without Bluetooth is told of, and what to do about it', () => {
    const simulated = panel({ isSimulated: true, hasBluetooth: false, phase: 'ready' });
    expect(simulated.note).toMatch(
      /^This browser lets no page reach a trainer\. Chrome and Edge do/,
    );
    expect(simulated.offers).toEqual([]);
    const absent = { ...facts.trainer, link: 'absent' } as const;
    const remembered = panel({ trainer: absent, hasBluetooth: false, phase: 'ready' });
    expect(remembered.note).toMatch(/A simulated trainer can ride here\.$/);
    expect(remembered.offers).toEqual(['simulate']);
  });

  test('after a reload the browser wants a tap, and the page says so', () => {
    const absent = panel({ trainer: { ...facts.trainer, link: 'absent' } });
    expect(absent.note).toBe('KICKR has to be connected again: the browser asks for your tap.');
    expect(absent.offers).toEqual(['reconnect']);
  });

  test('what only measures is told to be no brake', () => {
    const abilities = { takesPower: false, takesGrade: false, levels: null };
    const meter = panel({ trainer: { ...facts.trainer, abilities }, phase: 'ready' });
    expect(meter.note).toMatch(/measures only/);
  });
});
