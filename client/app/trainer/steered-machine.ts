/** A fitness machine on an open link: reads what it can do, hears its data, and brings targets to it in order. */
import type { Clock } from '../../../shared/clock.ts';
import { decodeResponse, encodeRequest, saysControlLost } from './control-point.ts';
import { characteristics, services, type GattLink } from './gatt.ts';
import { decodeBikeFrame, noRecord, withBikeFrame, type BikeReading } from './indoor-bike-data.ts';
import {
  abilitiesOf,
  isSteerable,
  meetMachine,
  nextRequest,
  withoutControl,
  withoutRequests,
  withRejectedWrite,
  withResponse,
  type MachineControl,
} from './machine-control.ts';
import { decodeFeature, decodePowerRange, decodeResistanceRange } from './machine-feature.ts';
import type { TrainerAbilities, TrainerTarget } from './trainer.ts';

export interface SteeredMachineParts {
  readonly link: GattLink;
  readonly clock: Clock;
  /** A whole record of what was measured. */
  readonly read: (reading: BikeReading) => void;
  /** Anything at all was said. */
  readonly heard: () => void;
}

export interface SteeredMachine {
  /** Asks for the target, or for what has to come before it; cheap to repeat. */
  steer(target: TrainerTarget): void;
  /** Of one that does not tell, what is tried. */
  readonly abilities: TrainerAbilities;
}

const service = services.fitnessMachine;

/** Resolves when the machine can be steered; rejects when it is no such machine, or the link is lost. */
export async function openMachine(parts: SteeredMachineParts): Promise<SteeredMachine> {
  const { link, clock, heard } = parts;
  const told = await readOrNull(link, characteristics.machineFeature);
  const feature = told && decodeFeature(told);
  const range = await readOrNull(link, characteristics.powerRange);
  const levels =
    feature?.takesResistance === true
      ? await readOrNull(link, characteristics.resistanceRange)
      : null;
  let control = meetMachine(
    feature,
    range && decodePowerRange(range),
    levels && decodeResistanceRange(levels),
  );
  let target: TrainerTarget | undefined;
  const change = (next: MachineControl): void => {
    control = next;
    pump();
  };
  const pump = (): void => {
    if (target === undefined) return;
    const next = nextRequest(control, target, clock.nowMs());
    control = next.control;
    if (next.request === null) return;
    const awaited = control.awaited;
    link.write(service, characteristics.controlPoint, encodeRequest(next.request)).catch(() => {
      // Only the request that is still awaited: its answer may have come before the write was acknowledged.
      if (control.awaited === awaited) control = withRejectedWrite(control, clock.nowMs());
    });
  };
  let record = noRecord;
  await link.listen(service, characteristics.indoorBikeData, (bytes) => {
    heard();
    const frame = decodeBikeFrame(bytes);
    if (frame === null) return;
    const merged = withBikeFrame(record, frame);
    record = merged.record;
    if (merged.whole !== null) parts.read(merged.whole);
  });
  if (isSteerable(control)) {
    // Before the first request: without somebody listening for its answer a machine refuses it.
    await link
      .listen(service, characteristics.controlPoint, (bytes) => {
        const response = decodeResponse(bytes);
        if (response !== null) change(withResponse(control, response, clock.nowMs()));
      })
      .catch((error: unknown) => {
        // A ride by a plan asks nothing of a machine without powers: what it measures is worth having.
        if (control.feature.takesPower) throw error;
        control = withoutRequests(control);
      });
    // Not every machine has a status; then a refused request tells that control is lost.
    await link
      .listen(service, characteristics.machineStatus, (bytes) => {
        if (saysControlLost(bytes)) change(withoutControl(control));
      })
      .catch(() => {});
  }
  return {
    steer: (next) => {
      target = next;
      pump();
    },
    get abilities() {
      return abilitiesOf(control);
    },
  };
}

async function readOrNull(link: GattLink, characteristic: number): Promise<DataView | null> {
  return link.read(service, characteristic).catch(() => null);
}
