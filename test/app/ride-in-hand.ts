/**
 * A ride whose seconds pass when a test says so, on an emulated trainer: after each second everything the page has asked of the
 * trainer is answered, and what the rider is shown is written down beside what the trainer was told. So a busy machine makes no gap.
 */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import type { EmulatedTrainer } from './emulated-devices.ts';

/** What stood there after a second of the page's time. */
export interface Moment {
  /** Whole seconds of riding, as shown. */
  readonly elapsedS: number;
  readonly shownW: number;
  readonly toldW: number;
  readonly isRiding: boolean;
}

export interface RideInHand {
  readonly moments: readonly Moment[];
  /** Lets that many seconds pass, one after the other. */
  pass(seconds: number): Promise<void>;
  /** Lets seconds pass until that is so. */
  passUntil(is: () => boolean | Promise<boolean>): Promise<void>;
  /** The page that rides from now on. */
  rideOn(page: Page): void;
}

const patiently = { timeout: 120_000, interval: 20 };

/** Before the page loads anything: its time stands still, and its own timer beats in the worker's place. */
export async function takeTime(page: Page): Promise<void> {
  await page.context().route('**/ticker-worker.js', (route) => route.abort());
  await page.context().addInitScript(countRequests);
  await page.clock.install({ time: new Date('2026-05-01T08:00:00Z') });
  await page.clock.pauseAt(new Date('2026-05-01T09:00:00Z'));
}

export function rideInHand(first: Page, trainer: EmulatedTrainer): RideInHand {
  let page = first;
  const moments: Moment[] = [];
  const counts = () => page.evaluate(() => window.gattCounts);
  const settled = async (): Promise<void> => {
    let latest = -1;
    // Twice the same: an answer makes the page ask the next thing in the same turn.
    await expect
      .poll(async () => {
        const { busy, asked, answered } = await counts();
        const isSettled = busy === 0 && asked === answered && asked === latest;
        latest = asked;
        return isSettled;
      }, patiently)
      .toBe(true);
  };
  const passOne = async (): Promise<void> => {
    const { reports } = await counts();
    if (trainer.report())
      await expect.poll(async () => (await counts()).reports, patiently).toBeGreaterThan(reports);
    await page.clock.runFor(1_000);
    await settled();
    moments.push({ ...(await page.evaluate(look)), toldW: trainer.targetW });
  };
  return {
    moments,
    pass: async (seconds) => {
      for (let second = 0; second < seconds; second += 1) await passOne();
    },
    passUntil: async (is) => {
      for (let second = 0; second < 600; second += 1) {
        if (await is()) return;
        await passOne();
      }
      throw new Error('It was waited for in vain.');
    },
    rideOn: (next) => {
      page = next;
    },
  };
}

/** Seconds of riding by which the trainer must have what the plan has come to. */
const gapMaxS = 2;

/**
 * What is wrong with what the trainer was told, in order. A trainer is told when the plan's target changes: so there is a gap where it
 * changed and the trainer does not have it `gapMaxS` of riding later; and what it is told is wrong when the plan did not ask for it
 * in that time. `plannedW` by seconds of riding.
 */
export function targetFaults(
  moments: readonly Moment[],
  plannedW: (atS: number) => number,
): readonly string[] {
  return moments.flatMap(({ elapsedS, shownW, toldW, isRiding }) => {
    if (!isRiding) return [];
    // The second shown has begun.
    const recent = Array.from({ length: (gapMaxS + 1) * 20 }, (_, step) =>
      plannedW(Math.max(0, elapsedS + 0.99 - step / 20)),
    );
    const faults = [];
    if (!recent.slice(0, 20).includes(shownW)) faults.push(`${elapsedS} s: shows ${shownW} W`);
    if (!recent.includes(toldW)) faults.push(`${elapsedS} s: the trainer has ${toldW} W`);
    return faults;
  });
}

/** Runs in the page. */
function look(): Omit<Moment, 'toldW'> {
  const read = (name: string): string =>
    document.querySelector<HTMLElement>(`[data-number="${name}"] .value`)?.innerText ?? '';
  const elapsedS = read('elapsed')
    .split(':')
    .reduce((seconds, part) => seconds * 60 + Number(part), 0);
  const isRiding = [...document.querySelectorAll('button')].some(
    (button) => button.innerText.startsWith('Pause') && button.offsetParent !== null,
  );
  return { elapsedS, shownW: Number(read('target')), isRiding };
}

interface GattCounts {
  /** Operations under way. */
  busy: number;
  /** Requests to the control point, and answers to them, lost ones too. */
  asked: number;
  answered: number;
  reports: number;
}

declare global {
  interface Window {
    gattCounts: GattCounts;
  }
}

/** Runs in the page, after what carries the notifications: whose own reads are not counted, because they are always under way. */
function countRequests(): void {
  interface Characteristic extends EventTarget {
    readonly uuid: string;
    readonly service: { readonly device: EventTarget };
  }
  type Method = (this: Characteristic, ...given: unknown[]) => Promise<unknown>;
  type Prototypes = Readonly<Record<string, { readonly prototype: Record<string, Method> }>>;
  const counts = { busy: 0, asked: 0, answered: 0, reports: 0 };
  window.gattCounts = counts;
  const scope = globalThis as unknown as Prototypes; // TypeScript's library knows no Web Bluetooth.
  const before = (kind: string, name: string, note: (on: Characteristic) => void): void => {
    const prototype = scope[`BluetoothRemoteGATT${kind}`]?.prototype;
    const method = prototype?.[name];
    if (prototype === undefined || method === undefined) return;
    prototype[name] = async function noted(this: Characteristic, ...given) {
      note(this);
      counts.busy += 1;
      try {
        return await method.apply(this, given);
      } finally {
        counts.busy -= 1;
      }
    };
  };
  const nothing = (): void => {};
  before('Server', 'connect', nothing);
  before('Server', 'getPrimaryService', nothing);
  before('Service', 'getCharacteristic', nothing);
  before('Characteristic', 'readValue', nothing);
  before('Characteristic', 'writeValueWithResponse', () => {
    counts.asked += 1;
  });
  before('Characteristic', 'startNotifications', (on) => {
    const isControl = on.uuid.startsWith('00002ad9');
    on.addEventListener('characteristicvaluechanged', () => {
      if (isControl) counts.answered += 1;
      else if (on.uuid.startsWith('00002ad2')) counts.reports += 1;
    });
    // With the link everything that is under way is lost.
    if (isControl)
      on.service.device.addEventListener('gattserverdisconnected', () => {
        counts.answered = counts.asked;
      });
  });
}
