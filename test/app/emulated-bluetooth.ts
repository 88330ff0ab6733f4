/**
 * Bluetooth devices for a real headless Chromium, through its own emulation: chooser, GATT, reads, writes and lost links are the browser's.
 * Only a notification cannot be pushed from outside; a shim in the page carries each in a read that the emulation holds open.
 */
import type { Browser, CDPSession, Page } from 'playwright-core';

export const bluetoothFlags = [
  '--enable-features=WebBluetooth,WebBluetoothNewPermissionsBackend',
] as const;

interface Properties {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly notify?: boolean;
  readonly indicate?: boolean;
}

/** Services with their characteristics, all by 16-bit number in hex. */
type Table = Readonly<Record<string, Readonly<Record<string, Properties>>>>;

interface Operation {
  readonly address: string;
  readonly characteristicId: string;
  readonly type: string;
  readonly data: string;
}

interface Prompt {
  readonly id: string;
  readonly devices: readonly { readonly id: string }[];
}

const uuid = (short: string): string => `0000${short}-0000-1000-8000-00805f9b34fb`;
/** HCI: connection timeout; and ATT: unlikely error. */
const unreachable = 0x08;
const broken = 0x0e;

export interface EmulatedBluetooth {
  /** Which device the rider picks in the chooser: an address. */
  pick(address: string): void;
  /** Before the page loads anything. */
  prepare(page: Page): Promise<void>;
  install(device: EmulatedDevice): Promise<void>;
  /** After the pages that used it are closed. */
  close(): Promise<void>;
}

/** Emulation is of the whole browser: one at a time. */
export async function emulateBluetooth(browser: Browser): Promise<EmulatedBluetooth> {
  const session = await browser.newBrowserCDPSession();
  await raw(session, 'BluetoothEmulation.enable', { state: 'powered-on', leSupported: true });
  // The emulated adapter ends with the last page that uses it, for example in a reload: one stays open.
  const keeper = await browser.newContext();
  await keeper.route('https://keeper.test/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '' }),
  );
  const page = await keeper.newPage();
  await page.goto('https://keeper.test/');
  await page.evaluate('navigator.bluetooth.getAvailability()');
  let picked = '';
  return {
    pick: (address) => {
      picked = address;
    },
    prepare: async (page) => {
      await page.context().addInitScript(carryNotifications);
      const prompts = await page.context().newCDPSession(page);
      await raw(prompts, 'DeviceAccess.enable');
      const answered = new Set<string>();
      on(prompts, 'DeviceAccess.deviceRequestPrompted', ({ id, devices }: Prompt) => {
        // The event repeats, and a second answer would end the browser.
        if (answered.has(id) || !devices.some((device) => device.id === picked)) return;
        answered.add(id);
        void raw(prompts, 'DeviceAccess.selectPrompt', { id, deviceId: picked });
      });
    },
    install: (device) => device.install(session),
    close: async () => {
      await keeper.close();
      await raw(session, 'BluetoothEmulation.disable').catch(() => {});
    },
  };
}

/** One device. Subclasses say what it answers. */
export class EmulatedDevice {
  readonly address: string;
  readonly #name: string;
  readonly #table: Table;
  /** Every write, as hex, in order. */
  readonly writes: { readonly hex: string; readonly atMs: number }[] = [];
  isReachable = true;
  #session: CDPSession | undefined;
  #isLinked = false;
  readonly #ids = new Map<string, string>();
  readonly #held = new Set<string>();
  readonly #queues = new Map<string, (readonly number[])[]>();
  readonly #heardBy = new Set<string>();

  constructor(address: string, name: string, table: Table) {
    this.address = address;
    this.#name = name;
    this.#table = table;
  }

  async install(session: CDPSession): Promise<void> {
    this.#session = session;
    await this.#send('simulatePreconnectedPeripheral', {
      name: this.#name,
      manufacturerData: [],
      knownServiceUuids: Object.keys(this.#table).map(uuid),
    });
    on(
      session,
      'BluetoothEmulation.gattOperationReceived',
      ({ address, type }: Pick<Operation, 'address' | 'type'>) => {
        if (address !== this.address) return;
        const code = type === 'connection' && !this.isReachable ? unreachable : 0;
        if (type === 'connection' && code === 0) this.#isLinked = true;
        void this.#send('simulateGATTOperationResponse', { type, code }).catch(() => {});
      },
    );
    on(session, 'BluetoothEmulation.characteristicOperationReceived', (operation: Operation) => {
      const name = [...this.#ids].find(([, id]) => id === operation.characteristicId)?.[0];
      if (name !== undefined) void this.#operate(name, operation).catch(() => {});
    });
    await this.#build();
  }

  /** What a characteristic reads; null for one that only notifies. */
  protected readOf(_characteristic: string): readonly number[] | null {
    return null;
  }

  /** What a write causes. */
  protected written(_bytes: Buffer): void {}

  protected unlinked(): void {}

  /** Tells whoever listens; with `isLatest` what was not fetched yet is dropped. False when nobody does. */
  notify(characteristic: string, bytes: readonly number[], isLatest = false): boolean {
    if (!this.#isLinked || !this.#heardBy.has(characteristic)) return false;
    const queue = isLatest ? [] : (this.#queues.get(characteristic) ?? []);
    this.#queues.set(characteristic, [...queue, bytes]);
    void this.#flush(characteristic).catch(() => {});
    return true;
  }

  /** The link is lost. All that is under way is answered at once: left unanswered it would end the page's Bluetooth. */
  async drop(): Promise<void> {
    this.#isLinked = false;
    this.#heardBy.clear();
    this.#held.clear();
    this.#queues.clear();
    this.unlinked();
    const types = ['read', 'write', 'subscribe-to-notifications', 'unsubscribe-from-notifications'];
    const answers = [...this.#ids.keys()].flatMap((name) =>
      types.map((type) => this.#answer(name, type, null, broken).catch(() => {})),
    );
    await Promise.all([...answers, this.#send('simulateGATTDisconnection')]);
    // The browser has forgotten the services along with the link.
    await this.#build();
  }

  async #build(): Promise<void> {
    for (const [service, characteristics] of Object.entries(this.#table)) {
      const { serviceId } = await this.#send('addService', { serviceUuid: uuid(service) });
      for (const [name, properties] of Object.entries(characteristics)) {
        const pushes = properties.notify === true || properties.indicate === true;
        const { characteristicId } = await this.#send('addCharacteristic', {
          serviceId,
          characteristicUuid: uuid(name),
          properties: { ...properties, ...(pushes ? { read: true } : {}) },
        });
        if (pushes)
          await this.#send('addDescriptor', { characteristicId, descriptorUuid: uuid('2902') });
        this.#ids.set(name, String(characteristicId));
      }
    }
  }

  async #operate(name: string, { type, data }: Operation): Promise<void> {
    if (type === 'read') {
      const value = this.readOf(name);
      if (value !== null) return this.#answer(name, 'read', value);
      this.#held.add(name);
      return this.#flush(name);
    }
    if (type === 'write') {
      const bytes = Buffer.from(data, 'base64');
      this.writes.push({ hex: bytes.toString('hex'), atMs: Date.now() });
      await this.#answer(name, 'write');
      return this.written(bytes);
    }
    if (type === 'subscribe-to-notifications') this.#heardBy.add(name);
    else this.#heardBy.delete(name);
    return this.#answer(name, type);
  }

  async #flush(name: string): Promise<void> {
    const [bytes, ...rest] = this.#queues.get(name) ?? [];
    if (bytes === undefined || !this.#held.has(name)) return;
    this.#held.delete(name);
    this.#queues.set(name, rest);
    await this.#answer(name, 'read', bytes);
  }

  async #answer(
    name: string,
    type: string,
    bytes: readonly number[] | null = null,
    code = 0,
  ): Promise<void> {
    const data = bytes === null ? {} : { data: Buffer.from(bytes).toString('base64') };
    const characteristicId = this.#ids.get(name);
    await raw(this.#bound(), 'BluetoothEmulation.simulateCharacteristicOperationResponse', {
      characteristicId,
      type,
      code,
      ...data,
    });
  }

  #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const all =
      method === 'addCharacteristic' || method === 'addDescriptor'
        ? params
        : { address: this.address, ...params };
    return raw(this.#bound(), `BluetoothEmulation.${method}`, all);
  }

  #bound(): CDPSession {
    if (this.#session === undefined) throw new Error('The device is not installed.');
    return this.#session;
  }
}

/** Methods the library has no types for. */
function raw(
  session: CDPSession,
  method: string,
  params: object = {},
): Promise<Record<string, unknown>> {
  return session.send(method as never, params as never) as Promise<Record<string, unknown>>;
}

function on(session: CDPSession, name: string, listener: (event: never) => void): void {
  session.on(name as never, listener as never);
}

/** Runs in the page: every notification comes as the value of a read, which fires the browser's own event. */
function carryNotifications(): void {
  interface Characteristic {
    readonly service: { readonly device: { readonly gatt: { readonly connected: boolean } } };
    startNotifications(): Promise<unknown>;
    readValue(): Promise<unknown>;
  }
  // No type declares Web Bluetooth on the page, and not every browser has it.
  const scope = globalThis as unknown as {
    BluetoothRemoteGATTCharacteristic?: { readonly prototype: Characteristic };
  };
  const prototype = scope.BluetoothRemoteGATTCharacteristic?.prototype;
  if (prototype === undefined) return;
  const { startNotifications, readValue } = prototype;
  const live = new WeakSet<Characteristic>();
  const carry = async (characteristic: Characteristic): Promise<void> => {
    try {
      while (characteristic.service.device.gatt.connected) await readValue.call(characteristic);
    } catch {
      // The link is lost.
    }
    live.delete(characteristic);
  };
  prototype.startNotifications = async function start(this: Characteristic) {
    const started = await startNotifications.call(this);
    if (!live.has(this)) {
      live.add(this);
      void carry(this);
    }
    return started;
  };
}
