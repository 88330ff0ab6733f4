import { describe, expect, test } from 'vitest';

import { devicePanel } from '../../client/app/device-text.ts';
import { connectTrainer } from '../../client/app/trainer/connected-trainer.ts';
import {
  meetMachine,
  nextRequest,
  withResponse,
} from '../../client/app/trainer/machine-control.ts';
import { measure, rideOn, riderAt } from '../../client/app/trainer/rider-model.ts';
import { simulatedDevice } from '../../client/app/trainer/simulated-device.ts';
import { resting, soften, type Legs } from '../../client/app/trainer/soft-target.ts';
import type { TrainerAbilities, TrainerTarget } from '../../client/app/trainer/trainer.ts';
import { manualTicker } from '../app/manual-ticker.ts';
import { virtualClock } from '../support/virtual-clock.ts';
import { unreliableDevice, type UnreliableDeviceParts } from './unreliable-device.ts';

const grade = (gradePercent: number) => ({ kind: 'grade', gradePercent }) as const;
const resistance = (level: number) => ({ kind: 'resistance', level }) as const;
const rest = { kind: 'rest' } as const;
const freeRest = { kind: 'rest', isFree: true } as const;
const targetBits = {
  slope: [0, 0x20, 0, 0],
  powerAndSlope: [0x08, 0x20, 0, 0],
  all: [0x0c, 0x20, 0, 0],
  resistance: [0x04, 0, 0, 0],
  power: [0x08, 0, 0, 0],
};

/** A page that beats four times a second on a virtual clock. */
function startPage() {
  const random = (): number => 0.5;
  const clock = virtualClock(1_800_000_000_000, random);
  const ticker = manualTicker();
  const beat = (): void => {
    clock.after(250, beat);
    ticker.tick();
  };
  beat();
  const trainer = connectTrainer({ clock, ticker });
  const pass = (seconds: number): Promise<void> => clock.runUntil(clock.timeMs + seconds * 1000);
  return { clock, ticker, trainer, pass, random };
}

function meet(more: Partial<UnreliableDeviceParts> = {}) {
  const page = startPage();
  const { clock, random } = page;
  const device = unreliableDevice({ clock, random, minW: 0, maxW: 1500, ...more });
  page.trainer.ride(device);
  return { ...page, device };
}

const gradesSince = (writes: readonly string[], from: number): number[] =>
  writes
    .slice(from)
    .filter((hex) => hex.startsWith('11'))
    .map((hex) => Buffer.from(hex, 'hex').readInt16LE(3) / 100);

describe('a trainer that is given a grade', () => {
  test('has it told again every ten seconds, and nothing else', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget(grade(4.5));
    await pass(20);
    expect(device.writes.slice(0, 2)).toEqual(['00', '07']);
    const told = device.writes.length;
    await pass(60);
    expect(device.writes.slice(told)).toEqual(Array.from({ length: 6 }, () => '110000c2012833'));
  });

  test('gets a step of the rider at once', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget(grade(4));
    await pass(20);
    trainer.setTarget(grade(4.5));
    await pass(1);
    expect(device.gradePercent).toBe(4.5);
  });

  test('after a lost link is asked for control anew, and comes back to it from a level road', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget(grade(8));
    await pass(20);
    const told = device.writes.length;
    device.drop();
    await pass(15);
    expect(device.writes.slice(told, told + 3)).toEqual(['00', '07', '11000000002833']);
    const grades = gradesSince(device.writes, told);
    expect(grades).toEqual(grades.toSorted((a, b) => a - b));
    expect(grades.length).toBeGreaterThan(3);
    expect(grades.at(-1)).toBe(8);
    expect(device.trespasses).toEqual([]);
  });

  test('that another page takes is asked again, and told the same', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget(grade(3));
    await pass(20);
    const told = device.writes.length;
    device.seize();
    await pass(3);
    expect(device.writes.slice(told)).toEqual(['00', '07', '1100002c012833']);
  });

  test('brakes nothing while the ride stands, and no more is told then than by a plan', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget(grade(6));
    await pass(20);
    const told = device.writes.length;
    trainer.setTarget(rest);
    await pass(35);
    expect(device.writes.slice(told)).toEqual(Array.from({ length: 4 }, () => '050000'));
  });

  test('and does not say what it takes is known to be tried with powers, and holds an easy one', async () => {
    const { trainer, device, pass } = meet({ targets: [8] });
    expect(trainer.view().abilities).toBeNull();
    trainer.setTarget({ ...grade(6), easyW: 110 });
    await pass(20);
    const abilities = { takesPower: true, takesGrade: false, levels: null };
    expect(trainer.view()).toMatchObject({ link: 'ready', abilities });
    expect(device.powerW).toBe(110);
  });

  test('and refuses powers rests on a level road, and is asked for no power again', async () => {
    for (const fault of [{ unsupported: [5] }, { invalid: [5] }]) {
      const { trainer, device, pass } = meet(fault);
      trainer.setTarget(grade(6));
      await pass(20);
      trainer.setTarget(freeRest);
      await pass(35);
      expect(device.gradePercent).toBe(0);
      expect(device.writes.filter((hex) => hex.startsWith('05'))).toEqual(['050000']);
    }
  });

  test('and says that it takes none is told nothing of it any more, and the page knows', async () => {
    const { trainer, device, pass } = meet({ unsupported: [0x11] });
    expect(trainer.view().abilities).toBeNull();
    trainer.setTarget(grade(6));
    await pass(20);
    expect(trainer.view().abilities).toEqual({ takesPower: true, takesGrade: false, levels: null });
    expect(gradesSince(device.writes, 0)).toHaveLength(1);
  });
});

describe('a trainer that is given a level of resistance', () => {
  test('says which there are, and is never set beyond them', async () => {
    const { trainer, device, pass } = meet({ targets: targetBits.resistance });
    trainer.setTarget(resistance(90));
    await pass(20);
    const levels = { min: 0, max: 24, step: 1 };
    expect(trainer.view().abilities).toEqual({ takesPower: false, takesGrade: false, levels });
    expect(device.writes.at(-1)).toBe('04f000');
    expect(device.level).toBe(24);
    expect(device.trespasses).toEqual([]);
  });

  test('comes back from half of it, and rests at the lowest where it takes no power', async () => {
    const { trainer, device, pass } = meet({ targets: targetBits.resistance });
    trainer.setTarget(resistance(20));
    await pass(20);
    const told = device.writes.length;
    device.drop();
    await pass(15);
    expect(device.writes.slice(told, told + 3)).toEqual(['00', '07', '046400']);
    expect(device.level).toBe(20);
    trainer.setTarget(rest);
    await pass(1);
    expect(device.level).toBe(0);
  });

  test('rests at the lowest also when the link was lost meanwhile: it may have kept its level', async () => {
    const { trainer, device, pass } = meet({ targets: targetBits.resistance });
    trainer.setTarget(resistance(20));
    await pass(20);
    const told = device.writes.length;
    device.drop();
    trainer.setTarget(freeRest);
    await pass(15);
    expect(device.writes.slice(told, told + 3)).toEqual(['00', '07', '040000']);
  });

  test('is left alone in a ride by a plan, where it takes no power', async () => {
    for (const targets of [targetBits.resistance, targetBits.slope]) {
      const { trainer, device, pass } = meet({ targets });
      for (const target of [{ kind: 'power', powerW: 200 }, { kind: 'free', easyW: 110 }, rest]) {
        trainer.setTarget(target as TrainerTarget);
        await pass(20);
      }
      expect(device.writes).toEqual([]);
    }
  });

  test('but lets nobody listen to its answers measures only', async () => {
    const { trainer, device, pass } = meet({ targets: targetBits.slope, isDeaf: true });
    const samples: unknown[] = [];
    trainer.onSample((sample) => samples.push(sample));
    trainer.setTarget(grade(6));
    await pass(20);
    const abilities = { takesPower: false, takesGrade: false, levels: null };
    expect(trainer.view()).toMatchObject({ link: 'ready', abilities });
    expect(samples.length).toBeGreaterThan(5);
    expect(device.writes).toEqual([]);
  });

  test('that wants a level in one byte gets it in one, however it says so', async () => {
    for (const otherLevels of ['answered invalid', 'not written'] as const) {
      const { trainer, device, pass } = meet({
        targets: targetBits.resistance,
        levelBytes: 1,
        otherLevels,
      });
      trainer.setTarget(resistance(20));
      await pass(20);
      expect(device.level).toBe(20);
      device.seize();
      await pass(20);
      expect(device.writes.filter((hex) => hex.startsWith('04') && hex.length === 6)).toHaveLength(
        1,
      );
    }
  });

  test('that takes a level neither way is asked once each way, and from then on in two', () => {
    let control = {
      ...meetMachine(null, null, { min: 0, max: 24, step: 1 }),
      hasControl: true,
      isStarted: true,
    };
    const ask = (level = 20) => {
      const next = nextRequest(control, resistance(level), 0);
      control = next.control;
      return next.request;
    };
    const refuse = () => {
      control = withResponse(control, { opCode: 4, result: 'invalid' }, 0);
    };
    expect(ask()).toEqual({ kind: 'set-resistance', level: 20, levelBytes: 2 });
    refuse();
    expect(ask()).toEqual({ kind: 'set-resistance', level: 20, levelBytes: 1 });
    refuse();
    expect(ask()).toBeNull();
    expect(ask(12)).toEqual({ kind: 'set-resistance', level: 12, levelBytes: 2 });
    refuse();
    expect(ask(12)).toBeNull();
  });

  test('is asked for nothing that it does not take', () => {
    const met = { hasControl: true, isStarted: true };
    const wanted = (target: TrainerTarget, levels = true) =>
      nextRequest(
        { ...meetMachine(null, null, levels ? { min: 0, max: 24, step: 1 } : null), ...met },
        target,
        0,
      ).request;
    expect(wanted(resistance(5), false)).toBeNull();
    expect(wanted(grade(5))).toBeNull();
    expect(wanted({ kind: 'free', easyW: 110 })).toEqual({ kind: 'set-power', powerW: 110 });
  });
});

describe('a soft hill and a soft level', () => {
  /** One look a second. */
  const told = (target: TrainerTarget, legs: readonly Legs[]): readonly (number | null)[] => {
    let soft = resting;
    return legs.map((leg, second) => {
      const softened = soften(soft, target, leg, second * 1000);
      soft = softened.soft;
      if (softened.target.kind === 'grade') return softened.target.gradePercent;
      return softened.target.kind === 'resistance' ? softened.target.level : null;
    });
  };
  const legs = (count: number, cadenceRpm: number | null): Legs[] =>
    Array.from({ length: count }, () => ({ cadenceRpm, powerW: 100 }));
  const still: Legs = { cadenceRpm: 0, powerW: 0 };

  test('begin level, or at half, wait for legs that turn, and are there five seconds later', () => {
    const turning = [still, ...legs(8, 70)];
    expect(told(grade(5), turning)).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5]);
    expect(told(resistance(20), turning)).toEqual([10, 10, 10, 10, 12, 14, 16, 18, 20]);
  });

  test('downhill there is nothing to ease', () => {
    expect(told(grade(-3), [still, ...legs(2, 70)])).toEqual([-3, -3, -3]);
  });

  test('who stops for a moment on a hill finds it as it was: it never brakes harder for that', () => {
    const stopping = [...legs(8, 70), still, still, still, still, still];
    expect(told(grade(5), stopping).slice(8)).toEqual([5, 5, 5, 5, 5]);
  });

  test('legs that climb slowly are not stuck: nothing is taken from under them', () => {
    expect(told(grade(5), legs(20, 40)).slice(8)).toEqual(Array.from({ length: 12 }, () => 5));
  });
});

describe('the simulated trainer', () => {
  const ridden = async (target: TrainerTarget) => {
    const { clock, ticker, trainer, pass } = startPage();
    const rider = riderAt(rest, 250, 1);
    trainer.ride(simulatedDevice({ rider, target: rest, clock, ticker }));
    const samples: { powerW: number | null; cadenceRpm: number | null }[] = [];
    trainer.onSample((sample) => samples.push(sample));
    trainer.setTarget(target);
    await pass(60);
    const mean = (pick: (sample: (typeof samples)[number]) => number | null): number =>
      samples.slice(-20).reduce((sum, sample) => sum + (pick(sample) ?? 0), 0) / 20;
    return { trainer, powerW: mean((s) => s.powerW), cadenceRpm: mean((s) => s.cadenceRpm) };
  };

  test('takes a grade and levels, and its rider works harder and turns slower uphill', async () => {
    const level = await ridden(grade(0));
    const levels = { min: 0, max: 100, step: 1 };
    expect(level.trainer.view().abilities).toEqual({ takesPower: true, takesGrade: true, levels });
    const hill = await ridden(grade(6));
    expect(hill.powerW).toBeGreaterThan(level.powerW + 50);
    expect(hill.cadenceRpm).toBeLessThan(level.cadenceRpm - 10);
    const descent = await ridden(grade(-6));
    expect(descent.powerW).toBeLessThan(level.powerW - 50);
  });

  test('brakes harder at a higher level', async () => {
    const [low, high] = [await ridden(resistance(10)), await ridden(resistance(60))];
    expect(high.powerW).toBeGreaterThan(low.powerW + 60);
    expect(high.cadenceRpm).toBeLessThan(low.cadenceRpm);
  });

  test('its rider stays within what a session takes on the steepest road and at the highest level', () => {
    for (const target of [grade(20), grade(-10), resistance(100), resistance(0)]) {
      const { powerW, cadenceRpm } = measure(rideOn(riderAt(target, 250, 1), target, 60), 0);
      expect(powerW).toBeGreaterThan(0);
      expect(powerW).toBeLessThan(400);
      expect(cadenceRpm).toBeGreaterThan(50);
    }
  });
});

describe('what the page says of a trainer in a free ride', () => {
  const note = (abilities: TrainerAbilities, isFree = true) =>
    devicePanel({
      trainer: { name: 'KICKR', link: 'ready', abilities, strap: null },
      isSimulated: false,
      hasBluetooth: true,
      phase: 'ready',
      isFree,
    }).note;
  const levels = { min: 0, max: 24, step: 1 };

  test('is what a ride by grade misses, and nothing when it has a grade', () => {
    expect(note({ takesPower: true, takesGrade: true, levels })).toBe('');
    expect(note({ takesPower: true, takesGrade: true, levels: null })).toBe('');
    expect(note({ takesPower: false, takesGrade: false, levels })).toMatch(/level, and no grade/);
    expect(note({ takesPower: true, takesGrade: false, levels: null })).toMatch(/an easy power/);
    expect(note({ takesPower: false, takesGrade: false, levels: null })).toMatch(/measures only/);
    expect(note({ takesPower: false, takesGrade: true, levels }, false)).toMatch(/shift gears/);
  });
});
