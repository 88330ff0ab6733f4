import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { frameOf } from '../../client/app/trainer/bytes.ts';
import { connectTrainer } from '../../client/app/trainer/connected-trainer.ts';
import type { GattDevice } from '../../client/app/trainer/gatt.ts';
import { riderAt } from '../../client/app/trainer/rider-model.ts';
import { simulatedDevice } from '../../client/app/trainer/simulated-device.ts';
import type { TrainerSample } from '../../client/app/trainer/trainer.ts';
import { manualTicker } from '../app/manual-ticker.ts';
import { virtualClock } from '../support/virtual-clock.ts';
import { unreliableDevice } from './unreliable-device.ts';

const startMs = 1_800_000_000_000;

/** A page that beats four times a second on a virtual clock. */
function startPage(random: () => number = () => 0.5) {
  const clock = virtualClock(startMs, random);
  const ticker = manualTicker();
  const beat = (): void => {
    clock.after(250, beat);
    ticker.tick();
  };
  beat();
  const trainer = connectTrainer({ clock, ticker });
  const samples: TrainerSample[] = [];
  trainer.onSample((sample) => samples.push(sample));
  const pass = (seconds: number): Promise<void> => clock.runUntil(clock.timeMs + seconds * 1000);
  return { clock, ticker, trainer, samples, pass };
}

/** mulberry32. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('a trainer over Bluetooth', () => {
  const meet = (random = seeded(1)) => {
    const page = startPage(random);
    const device = unreliableDevice({ clock: page.clock, random, minW: 0, maxW: 1500 });
    page.trainer.ride(device);
    return { ...page, device };
  };

  test('is asked for control, started and set, in this order, and reports what is ridden', async () => {
    const { trainer, device, pass, samples } = meet();
    expect(trainer.view()).toMatchObject({ name: 'Unreliable', link: 'connecting' });
    trainer.setTarget({ kind: 'power', powerW: 200 });
    await pass(20);
    expect(trainer.view()).toMatchObject({ link: 'ready', abilities: { takesPower: true } });
    expect(device.writes.slice(0, 3)).toEqual(['00', '07', '056400']);
    expect(device.powerW).toBe(200);
    expect(samples.at(-1)).toMatchObject({ powerW: 200, cadenceRpm: 90, heartRateBpm: null });
  });

  test('a target that stays is told again every ten seconds, and nothing else', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget({ kind: 'power', powerW: 200 });
    await pass(20);
    const told = device.writes.length;
    await pass(60);
    expect(device.writes.slice(told)).toEqual(Array.from({ length: 6 }, () => '05c800'));
  });

  test('after a lost link control is asked for anew and the target comes back softly', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget({ kind: 'power', powerW: 200 });
    await pass(20);
    const told = device.writes.length;
    device.drop();
    await pass(0.1);
    expect(trainer.view().link).toBe('lost');
    await pass(15);
    const [control, start, ...powers] = device.writes.slice(told);
    expect([control, start]).toEqual(['00', '07']);
    expect(powers[0]).toBe('056400');
    const watts = powers.map((write) => Buffer.from(write, 'hex').readInt16LE(1));
    expect(watts).toEqual(watts.toSorted((a, b) => a - b));
    expect(watts.length).toBeGreaterThan(3);
    expect(watts.at(-1)).toBe(200);
  });

  test('a machine that another page takes is asked for again', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget({ kind: 'power', powerW: 200 });
    await pass(20);
    const told = device.writes.length;
    device.seize();
    await pass(3);
    expect(device.writes.slice(told)).toEqual(['00', '07', '05c800']);
  });

  test('legs that get stuck get half the target, and the whole one when they turn again', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget({ kind: 'power', powerW: 240 });
    await pass(20);
    device.cadenceRpm = 45;
    await pass(2);
    expect(device.powerW).toBe(240);
    await pass(3);
    expect(device.powerW).toBe(120);
    await pass(10);
    expect(device.powerW).toBe(120);
    device.cadenceRpm = 80;
    await pass(10);
    expect(device.powerW).toBe(240);
  });

  test('slow legs that the plan asks for are not stuck', async () => {
    const { trainer, device, pass } = meet();
    device.cadenceRpm = 48;
    trainer.setTarget({ kind: 'power', powerW: 240, cadenceRpm: 50 });
    await pass(30);
    expect(device.powerW).toBe(240);
  });

  test('a step of the plan is told at once, rest brakes nothing, and free is a level road', async () => {
    const { trainer, device, pass } = meet();
    trainer.setTarget({ kind: 'power', powerW: 100 });
    await pass(20);
    trainer.setTarget({ kind: 'power', powerW: 300 });
    await pass(1);
    expect(device.powerW).toBe(300);
    trainer.setTarget({ kind: 'free', easyW: 120 });
    await pass(1);
    expect(device.writes.at(-1)).toBe('11000000002833');
    trainer.setTarget({ kind: 'rest' });
    await pass(1);
    expect(device.powerW).toBe(0);
  });

  test('a tap tries again at once, whatever was waited for', async () => {
    const { trainer, device, pass } = meet();
    await pass(5);
    device.faults.reach = 'hangs';
    device.drop();
    await pass(2);
    device.faults.reach = 'well';
    await pass(2);
    expect(trainer.view().link).toBe('lost');
    trainer.reconnect();
    await pass(4);
    expect(trainer.view().link).toBe('ready');
  });

  test('a device that says nothing any more is left and reached for anew', async () => {
    const { trainer, device, pass, samples } = meet();
    await pass(5);
    device.faults.isSilent = true;
    await pass(13);
    device.faults.isSilent = false;
    const heard = samples.length;
    await pass(8);
    expect(trainer.view().link).toBe('ready');
    expect(samples.length).toBeGreaterThan(heard);
    trainer.close();
    await pass(1);
    expect(device.isLinked).toBe(false);
  });

  test('whatever goes wrong, no rule of the service is broken, and in the end the target is set', async () => {
    const trouble = fc.record({
      seed: fc.integer(),
      minW: fc.constantFrom(0, 50),
      steps: fc.array(
        fc.record({
          seconds: fc.integer({ min: 1, max: 40 }),
          fault: fc.constantFrom(
            'none',
            'drop',
            'seize',
            'fails',
            'hangs',
            'silent',
            'deaf',
            'failing',
            'stuck',
          ),
          powerW: fc.integer({ min: 0, max: 2500 }),
        }),
        { minLength: 1, maxLength: 8 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(trouble, async ({ seed, minW, steps }) => {
        const random = seeded(seed);
        const page = startPage(random);
        const device = unreliableDevice({ clock: page.clock, random, minW, maxW: 1500 });
        page.trainer.ride(device);
        for (const { seconds, fault, powerW } of steps) {
          page.trainer.setTarget({ kind: 'power', powerW });
          device.cadenceRpm = fault === 'stuck' ? 30 : 90;
          device.faults.reach = fault === 'fails' || fault === 'hangs' ? fault : 'well';
          device.faults.isSilent = fault === 'silent';
          device.faults.unanswered = fault === 'deaf' ? 0.5 : 0;
          device.faults.failing = fault === 'failing' ? 0.5 : 0;
          if (fault === 'seize') device.seize();
          else if (fault !== 'none' && fault !== 'stuck') device.drop();
          await page.pass(seconds);
        }
        Object.assign(device.faults, { reach: 'well', isSilent: false, unanswered: 0, failing: 0 });
        device.cadenceRpm = 90;
        page.trainer.setTarget({ kind: 'power', powerW: 321 });
        await page.pass(60);
        expect(device.trespasses).toEqual([]);
        expect(device.powerW).toBe(321);
        expect(page.trainer.view().link).toBe('ready');
      }),
      { numRuns: 60 },
    );
  });
});

describe('other devices', () => {
  /** A device with one service that says something every second. */
  function talker(
    service: number,
    frames: () => readonly number[],
    page: ReturnType<typeof startPage>,
  ): GattDevice {
    let listener: ((frame: DataView) => void) | undefined;
    const talk = (): void => {
      page.clock.after(1000, talk);
      listener?.(frameOf(frames()));
    };
    talk();
    return {
      id: 'talker',
      name: 'Talker',
      disconnect: () => (listener = undefined),
      connect: () =>
        Promise.resolve({
          hasService: (wanted) => Promise.resolve(wanted === service),
          read: () => Promise.reject(new Error('Nothing to read.')),
          write: () => Promise.reject(new Error('Nothing to write.')),
          listen: (_service, _characteristic, next) => {
            listener = next;
            return Promise.resolve();
          },
          onClosed: () => {},
        }),
    };
  }

  test('a power meter is taken where there is no machine, and told to be no brake', async () => {
    const page = startPage();
    let turns = 0;
    page.trainer.ride(
      talker(
        0x1818,
        () => [
          0x20,
          0,
          210,
          0,
          (turns += 3) & 255,
          0,
          (turns * 512) & 255,
          ((turns * 512) >> 8) & 255,
        ],
        page,
      ),
    );
    page.trainer.setTarget({ kind: 'power', powerW: 200 });
    await page.pass(5);
    expect(page.samples.at(-1)).toMatchObject({ powerW: 210, cadenceRpm: 120 });
    expect(page.trainer.view()).toMatchObject({ link: 'ready', abilities: { takesPower: false } });
  });

  test("a strap's beats stand before the machine's own, as long as it is worn", async () => {
    const page = startPage();
    let contact = 0x06;
    const rider = riderAt({ kind: 'power', powerW: 200 }, 250, 1);
    const { clock, ticker } = page;
    page.trainer.ride(simulatedDevice({ rider, target: { kind: 'rest' }, clock, ticker }));
    page.trainer.wear(talker(0x180d, () => [contact, 177], page));
    await page.pass(5);
    expect(page.samples.at(-1)?.heartRateBpm).toBe(177);
    expect(page.trainer.view().strap).toMatchObject({ name: 'Talker', link: 'ready' });
    contact = 0x04;
    await page.pass(5);
    expect(page.samples.at(-1)?.heartRateBpm).not.toBe(177);
    expect(page.samples.at(-1)?.heartRateBpm).toBeGreaterThan(60);
  });
});

describe('the simulated device', () => {
  const sit = () => {
    const page = startPage();
    const { clock, ticker } = page;
    const rider = riderAt({ kind: 'rest' }, 250, 1);
    page.trainer.ride(simulatedDevice({ rider, target: { kind: 'rest' }, clock, ticker }));
    return page;
  };

  test('speaks the bytes of a machine: one reading for each second, at the target in the end', async () => {
    const { trainer, samples, pass } = sit();
    trainer.setTarget({ kind: 'power', powerW: 200 });
    await pass(60);
    expect(samples.length).toBeGreaterThan(58);
    expect(samples.length).toBeLessThan(62);
    const latest = samples.slice(-20).map(({ powerW }) => powerW ?? 0);
    expect(latest.reduce((a, b) => a + b) / 20).toBeGreaterThan(185);
    expect(latest.reduce((a, b) => a + b) / 20).toBeLessThan(215);
  });

  test('turns at the cadence of the plan, and stands when the ride does', async () => {
    const { trainer, samples, pass } = sit();
    trainer.setTarget({ kind: 'power', powerW: 200, cadenceRpm: 60 });
    await pass(60);
    expect(Math.abs((samples.at(-1)?.cadenceRpm ?? 0) - 60)).toBeLessThan(6);
    trainer.setTarget({ kind: 'power', powerW: 200 });
    await pass(20);
    expect(samples.at(-1)?.cadenceRpm).toBeGreaterThan(80);
    trainer.setTarget({ kind: 'free', easyW: 0 });
    await pass(30);
    expect(Math.abs((samples.at(-1)?.powerW ?? 0) - 137)).toBeLessThan(30);
    trainer.setTarget({ kind: 'rest' });
    await pass(60);
    expect(samples.at(-1)).toMatchObject({ powerW: 0, cadenceRpm: 0 });
  });
});
