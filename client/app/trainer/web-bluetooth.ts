/** Devices as the browser hands them out. As thin as it can be: everything that can be wrong is decided elsewhere. */
import { services, type GattDevice, type GattLink } from './gatt.ts';

/** What is used of Web Bluetooth, which the compiler's own library does not describe. */
interface WebBluetooth {
  requestDevice(options: {
    readonly filters: readonly { readonly services: readonly number[] }[];
    readonly optionalServices: readonly number[];
  }): Promise<WebDevice>;
  /** Absent in most browsers: without it a page that was loaded again has to ask anew. */
  getDevices?(): Promise<readonly WebDevice[]>;
}

interface WebDevice extends EventTarget {
  readonly id: string;
  readonly name?: string;
  readonly gatt: WebServer;
}

interface WebServer {
  readonly connected: boolean;
  connect(): Promise<WebServer>;
  disconnect(): void;
  getPrimaryService(service: number): Promise<WebService>;
}

interface WebService {
  getCharacteristic(characteristic: number): Promise<WebCharacteristic>;
}

interface WebCharacteristic extends EventTarget {
  readonly value?: DataView;
  readValue(): Promise<DataView>;
  writeValueWithResponse(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  startNotifications(): Promise<unknown>;
}

export interface Bluetooth {
  /** Asks the rider; needs a tap. Null when nothing was chosen. */
  chooseTrainer(): Promise<GattDevice | null>;
  chooseStrap(): Promise<GattDevice | null>;
  /** A device this page was allowed before, without asking; null when the browser does not give it. */
  known(id: string): Promise<GattDevice | null>;
}

/** Null where the browser has no Bluetooth for pages. */
export function webBluetooth(): Bluetooth | null {
  const bluetooth = (navigator as { bluetooth?: WebBluetooth }).bluetooth;
  if (bluetooth === undefined) return null;
  const choose = async (wanted: readonly number[]): Promise<GattDevice | null> => {
    try {
      const device = await bluetooth.requestDevice({
        filters: wanted.map((service) => ({ services: [service] })),
        // A service that is not named now cannot be reached later.
        optionalServices: Object.values(services),
      });
      return asGattDevice(device);
    } catch (error) {
      // The chooser was closed, or found nothing.
      if (error instanceof DOMException && error.name === 'NotFoundError') return null;
      throw error;
    }
  };
  return {
    chooseTrainer: () => choose([services.fitnessMachine, services.cyclingPower]),
    chooseStrap: () => choose([services.heartRate]),
    known: async (id) => {
      const devices = (await bluetooth.getDevices?.().catch(() => [])) ?? [];
      const device = devices.find((device) => device.id === id);
      return device === undefined ? null : asGattDevice(device);
    },
  };
}

function asGattDevice(device: WebDevice): GattDevice {
  return {
    id: device.id,
    name: device.name ?? '',
    connect: async () => linkOf(device, await device.gatt.connect()),
    disconnect: () => device.gatt.disconnect(),
  };
}

function linkOf(device: WebDevice, server: WebServer): GattLink {
  const inTurn = takingTurns();
  const characteristic = async (service: number, id: number): Promise<WebCharacteristic> =>
    (await server.getPrimaryService(service)).getCharacteristic(id);
  const found = new Map<number, Promise<WebCharacteristic>>();
  const once = (service: number, id: number): Promise<WebCharacteristic> => {
    const known = found.get(id) ?? characteristic(service, id);
    found.set(id, known);
    return known;
  };
  return {
    hasService: (service) =>
      inTurn(async () => {
        try {
          await server.getPrimaryService(service);
          return true;
        } catch (error) {
          if (server.connected) return false;
          throw error;
        }
      }),
    read: (service, id) => inTurn(async () => (await once(service, id)).readValue()),
    write: (service, id, bytes) =>
      inTurn(async () => (await once(service, id)).writeValueWithResponse(bytes)),
    listen: (service, id, listener) =>
      inTurn(async () => {
        const source = await once(service, id);
        source.addEventListener('characteristicvaluechanged', () => {
          if (source.value !== undefined) listener(source.value);
        });
        await source.startNotifications();
      }),
    onClosed: (listener) => {
      device.addEventListener('gattserverdisconnected', listener, { once: true });
      if (!server.connected) listener();
    },
  };
}

/** Some systems refuse an operation while another is under way. */
function takingTurns(): <Result>(operation: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (operation) => {
    const result = last.then(operation);
    last = result.catch(() => {});
    return result;
  };
}
