/** The rider's devices as one trainer: a machine or a power meter, and a heart-rate strap beside it. */
import type { Clock } from '../../../shared/clock.ts';
import type { Ticker } from '../ticker.ts';
import { keepDevice, type DeviceKeeper } from './device-keeper.ts';
import { services, type GattDevice, type GattLink } from './gatt.ts';
import type { BikeReading } from './indoor-bike-data.ts';
import { listenToPowerMeter, listenToStrap, makeSensors } from './sensors.ts';
import { resting, soften, type SoftTarget } from './soft-target.ts';
import { openMachine, type SteeredMachine } from './steered-machine.ts';
import type { Trainer, TrainerAbilities, TrainerSample, TrainerTarget } from './trainer.ts';

export interface ConnectedTrainerParts {
  readonly clock: Clock;
  readonly ticker: Ticker;
}

export interface ConnectedTrainer extends Trainer {
  /** Takes this device for the trainer from now on. */
  ride(device: GattDevice): void;
  /** Takes this strap from now on. */
  wear(device: GattDevice): void;
}

export function connectTrainer({ clock, ticker }: ConnectedTrainerParts): ConnectedTrainer {
  const listeners = new Set<(sample: TrainerSample) => void>();
  const sensors = makeSensors(clock);
  const steering = makeSteering(clock, () => sensors.sample());
  let trainer: DeviceKeeper | undefined;
  let strap: DeviceKeeper | undefined;
  const read = (reading: BikeReading): void => {
    sensors.take(reading);
    const sample = sensors.sample();
    for (const listener of listeners) listener(sample);
  };
  const openTrainer = async (link: GattLink): Promise<() => void> => {
    const parts = { link, heard: () => trainer?.heard() };
    if (await link.hasService(services.fitnessMachine)) {
      const machine = await openMachine({ ...parts, clock, read });
      return () => steering.use(machine);
    }
    await listenToPowerMeter(parts, clock, read);
    return () => {};
  };
  const openStrap = async (link: GattLink): Promise<() => void> => {
    await listenToStrap({ link, heard: () => strap?.heard() }, (bpm) => sensors.takeStrap(bpm));
    return () => {};
  };
  const stopBeats = ticker.onTick(steering.steer);
  return {
    view: () => {
      const seen = trainer?.view() ?? { name: '', link: 'absent' };
      const abilities = seen.link === 'ready' ? steering.abilities() : null;
      return { ...seen, abilities, strap: strap?.view() ?? null };
    },
    setTarget: steering.aim,
    onSample: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reconnect: () => {
      trainer?.retry();
      strap?.retry();
    },
    ride: (device) => {
      trainer?.close();
      sensors.forget();
      trainer = keepDevice({ device, clock, ticker, open: openTrainer, lost: steering.leave });
    },
    wear: (device) => {
      strap?.close();
      sensors.takeStrap(null);
      strap = keepDevice({ device, clock, ticker, open: openStrap, lost: () => {} });
    },
    close: () => {
      stopBeats();
      trainer?.close();
      strap?.close();
    },
  };
}

/** A power meter. */
const measuresOnly: TrainerAbilities = { takesPower: false, takesGrade: false, levels: null };

interface Steering {
  readonly aim: (target: TrainerTarget) => void;
  /** Looks at the legs and the clock again. */
  readonly steer: () => void;
  readonly use: (machine: SteeredMachine) => void;
  /** The machine is out of reach. */
  readonly leave: () => void;
  readonly abilities: () => TrainerAbilities;
}

function makeSteering(clock: Clock, legs: () => TrainerSample): Steering {
  let target: TrainerTarget = { kind: 'rest' };
  let soft: SoftTarget = resting;
  let machine: SteeredMachine | undefined;
  const steer = (): void => {
    if (machine === undefined) return;
    const softened = soften(soft, target, legs(), clock.nowMs());
    soft = softened.soft;
    machine.steer(softened.target);
  };
  return {
    aim: (next) => {
      target = next;
      steer();
    },
    steer,
    use: (next) => {
      machine = next;
      steer();
    },
    leave: () => {
      machine = undefined;
      soft = resting;
    },
    abilities: () => (machine === undefined ? measuresOnly : machine.abilities),
  };
}
