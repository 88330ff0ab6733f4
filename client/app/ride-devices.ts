/** The rider's devices in the page: which ones, how they are doing, and the buttons that change them. */
import type { Clock } from '../../shared/clock.ts';
import type { WorkoutPhase, WorkoutState } from '../../shared/workout/workout-state.ts';
import { devicePanel, type DeviceOffer } from './device-text.ts';
import { button, element, setShown, setText } from './dom.ts';
import { trainerTarget } from './ride-figures.ts';
import { beeps, pausesStanding, startsPedalling, type SwitchSetting } from './ride-settings.ts';
import type { Ticker } from './ticker.ts';
import { connectTrainer } from './trainer/connected-trainer.ts';
import type { GattDevice } from './trainer/gatt.ts';
import { rememberDevices, rememberedDevices } from './trainer/remembered-devices.ts';
import { riderAt } from './trainer/rider-model.ts';
import { simulatedDevice } from './trainer/simulated-device.ts';
import type { Trainer } from './trainer/trainer.ts';
import { webBluetooth } from './trainer/web-bluetooth.ts';

export interface RideDevicesParts {
  readonly state: WorkoutState;
  /** Of the simulated rider. */
  readonly seed: number;
  readonly clock: Clock;
  readonly ticker: Ticker;
}

export interface RideDevices {
  readonly trainer: Trainer;
  /** One line that says what is ridden with. */
  readonly line: HTMLElement;
  /** What there is to do about the devices; hidden when there is nothing. */
  readonly panel: HTMLElement;
  /** Nobody's legs: it begins to pedal when the ride begins. */
  readonly isSimulated: () => boolean;
  show(phase: WorkoutPhase): void;
}

const labels: Readonly<Record<DeviceOffer, string>> = {
  reconnect: 'Reconnect',
  'choose-trainer': 'Connect a trainer',
  'choose-strap': 'Heart-rate strap',
  simulate: 'Simulated trainer',
};

export function rideDevices({ state, seed, clock, ticker }: RideDevicesParts): RideDevices {
  const bluetooth = webBluetooth();
  const trainer = connectTrainer({ clock, ticker });
  const target = trainerTarget(state, clock.nowMs());
  const rider = riderAt(target, state.ftpW, seed);
  const simulated = simulatedDevice({ rider, target, clock, ticker });
  let remembered = rememberedDevices();
  const change = (part: Partial<typeof remembered>): void => {
    remembered = { ...remembered, ...part };
    rememberDevices(remembered);
  };
  const ride = (device: GattDevice): void => {
    change({ trainer: { id: device.id, name: device.name } });
    trainer.ride(device);
  };
  const wear = (device: GattDevice): void => {
    change({ strap: { id: device.id, name: device.name } });
    trainer.wear(device);
  };
  const simulate = (): void => {
    change({ trainer: null });
    trainer.ride(simulated);
  };
  const known = async (
    device: { readonly id: string; readonly name: string } | null,
    use: (device: GattDevice) => void,
  ): Promise<void> => {
    const found = device === null ? null : await bluetooth?.known(device.id);
    if (device !== null && found) use({ ...found, name: found.name || device.name });
  };
  const isSimulated = (): boolean => remembered.trainer === null;
  if (isSimulated()) trainer.ride(simulated);
  // Never the simulated one in its place: what it rides would stand in the record as ridden.
  else void known(remembered.trainer, ride);
  void known(remembered.strap, wear);

  const view = (): ReturnType<Trainer['view']> => {
    const seen = trainer.view();
    return { ...seen, name: seen.name || (remembered.trainer?.name ?? '') || 'Your trainer' };
  };
  const choose = async (): Promise<void> => {
    const device = await bluetooth?.chooseTrainer();
    if (device) ride({ ...device, name: device.name || 'Your trainer' });
  };
  const acts: Readonly<Record<DeviceOffer, () => void | Promise<void>>> = {
    reconnect: () => (trainer.view().link === 'absent' ? choose() : trainer.reconnect()),
    'choose-trainer': choose,
    'choose-strap': async () => {
      const device = await bluetooth?.chooseStrap();
      if (device) wear({ ...device, name: device.name || 'Heart-rate strap' });
    },
    simulate,
  };
  const isFree = state.brake !== undefined;
  const panel = makePanel(acts, isFree);
  return {
    trainer,
    line: panel.line,
    panel: panel.root,
    isSimulated,
    show: (phase) =>
      panel.show({
        trainer: view(),
        isSimulated: isSimulated(),
        hasBluetooth: bluetooth !== null,
        phase,
        isFree,
      }),
  };
}

interface Panel {
  readonly line: HTMLElement;
  readonly root: HTMLElement;
  show(facts: Parameters<typeof devicePanel>[0]): void;
}

function makePanel(
  acts: Readonly<Record<DeviceOffer, () => void | Promise<void>>>,
  isFree: boolean,
): Panel {
  const line = element('p', { class: 'dim' });
  const note = element('p');
  const fault = element('p', { class: 'fault' });
  const attempt = async (act: () => void | Promise<void>): Promise<void> => {
    try {
      setText(fault, '');
      await act();
    } catch (error) {
      // Bluetooth that is switched off, or a policy that forbids it: the browser's own words say more than ours could.
      setText(fault, error instanceof Error ? error.message : String(error));
    }
  };
  const buttons = Object.entries(labels).map(([offer, label]) => {
    const act = button({ class: offer === 'reconnect' ? 'primary' : '' }, [label], () => {
      void attempt(acts[offer as DeviceOffer]);
    });
    return { offer, act };
  });
  const row = element(
    'div',
    { class: 'device-buttons' },
    buttons.map(({ act }) => act),
  );
  const text = element('div', { role: 'status' }, [note, fault]);
  const root = element('section', { class: 'devices', 'aria-label': 'Devices' }, [
    text,
    row,
    element('div', { class: 'settings' }, [
      settingField(startsPedalling, 'Start when I pedal'),
      settingField(pausesStanding, 'Pause when I stop pedalling'),
      // Without a plan nothing changes by itself.
      ...(isFree ? [] : [settingField(beeps, 'Beep before a change')]),
    ]),
  ]);
  return {
    line,
    root,
    show: (facts) => {
      const panel = devicePanel(facts);
      setText(line, panel.line);
      setText(note, panel.note);
      root.toggleAttribute('data-urgent', panel.isUrgent);
      for (const { offer, act } of buttons)
        setShown(act, (panel.offers as readonly string[]).includes(offer));
      setShown(row, panel.offers.length > 0);
      const isStanding = facts.phase === 'ready' || facts.phase === 'paused';
      setShown(root, panel.note !== '' || panel.offers.length > 0 || isStanding);
      root.toggleAttribute('data-settings', isStanding);
    },
  };
}

function settingField(setting: SwitchSetting, label: string): HTMLElement {
  const input = element('input', { type: 'checkbox' });
  input.checked = setting.isOn();
  input.addEventListener('change', () => setting.set(input.checked));
  return element('label', { class: 'setting' }, [input, label]);
}
