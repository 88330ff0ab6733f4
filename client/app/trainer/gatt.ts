/** The port to a Bluetooth device: what is needed of GATT, real or simulated. Bytes in, bytes out. */

/** Services by their 16-bit number. */
export const services = {
  fitnessMachine: 0x1826,
  cyclingPower: 0x1818,
  heartRate: 0x180d,
} as const;

/** Characteristics by their 16-bit number. */
export const characteristics = {
  machineFeature: 0x2acc,
  indoorBikeData: 0x2ad2,
  resistanceRange: 0x2ad6,
  powerRange: 0x2ad8,
  controlPoint: 0x2ad9,
  machineStatus: 0x2ada,
  powerMeasurement: 0x2a63,
  heartRateMeasurement: 0x2a37,
} as const;

export interface GattDevice {
  /** Stable for this page and this device. */
  readonly id: string;
  /** For people; '' when it has none. */
  readonly name: string;
  /** Rejects when the device is out of reach. May hang for ever: the caller keeps the time. */
  connect(): Promise<GattLink>;
  /** Ends a link, and an attempt at one. */
  disconnect(): void;
}

/** A link to a device; dead for good once it has closed. Operations reject then, and wait for one another before. */
export interface GattLink {
  /** Rejects only when the link is lost. */
  hasService(service: number): Promise<boolean>;
  /** Rejects when the device has no such characteristic. */
  read(service: number, characteristic: number): Promise<DataView>;
  /** Writes with response. */
  write(service: number, characteristic: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Resolves when notifications or indications are switched on. */
  listen(
    service: number,
    characteristic: number,
    listener: (frame: DataView) => void,
  ): Promise<void>;
  /** Calls back once when the link is lost, at once if it is already. */
  onClosed(listener: () => void): void;
}
