/** Keeps one device connected for as long as it is wanted: carries out what `device-link.ts` decides. */
import type { Clock } from '../../../shared/clock.ts';
import type { Ticker } from '../ticker.ts';
import {
  firstLink,
  stepLink,
  type DeviceLink,
  type LinkInput,
  type LinkStep,
} from './device-link.ts';
import type { GattDevice, GattLink } from './gatt.ts';
import type { DeviceView } from './trainer.ts';

export interface DeviceKeeperParts {
  readonly device: GattDevice;
  readonly clock: Clock;
  readonly ticker: Ticker;
  /** Prepares a new link and returns what puts it to use. Rejects when this is not the device that was meant. */
  readonly open: (link: GattLink) => Promise<() => void>;
  /** The link that was open is lost. */
  readonly lost: () => void;
}

export interface DeviceKeeper {
  view(): DeviceView;
  /** The device has said something. */
  heard(): void;
  retry(): void;
  close(): void;
}

export function keepDevice(parts: DeviceKeeperParts): DeviceKeeper {
  const { device, clock, ticker, open, lost } = parts;
  let link: DeviceLink = { phase: 'closed' };
  let wasReady = false;
  /** Answers to an earlier attempt come late and mean nothing any more. */
  let attempt = 0;
  const take = ({ link: next, act }: LinkStep): void => {
    const wasOpen = link.phase === 'open';
    link = next;
    if (next.phase === 'open') wasReady = true;
    if (act !== null) attempt += 1;
    if (wasOpen && next.phase !== 'open') lost();
    if (act === 'hang-up') device.disconnect();
    if (act === 'connect') void reach();
  };
  const put = (input: LinkInput): void => take(stepLink(link, input, clock.nowMs()));
  const reach = async (): Promise<void> => {
    const mine = attempt;
    try {
      const reached = await device.connect();
      reached.onClosed(() => {
        if (mine === attempt) put('broke');
      });
      if (mine !== attempt) return;
      const use = await open(reached);
      if (mine !== attempt) return;
      use();
      put('opened');
    } catch {
      // Out of reach, switched off, lost on the way: all the same to the rider, and tried again.
      if (mine === attempt) put('broke');
    }
  };
  const stopBeats = ticker.onTick(() => put('tick'));
  take(firstLink(clock.nowMs()));
  return {
    view: () => ({ name: device.name, link: shown(link, wasReady) }),
    heard: () => put('heard'),
    retry: () => put('retry'),
    close: () => {
      stopBeats();
      put('close');
    },
  };
}

function shown({ phase }: DeviceLink, wasReady: boolean): DeviceView['link'] {
  if (phase === 'open') return 'ready';
  return phase === 'connecting' && !wasReady ? 'connecting' : 'lost';
}
