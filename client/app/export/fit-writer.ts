/** Writes the container of FIT files: header, definitions, data and checksums. What the messages mean is said elsewhere. Pure. */

/** Base types: number in the file, bytes, and the value that stands for none. */
const baseTypes = {
  enum: { code: 0x00, bytes: 1, none: 0xff },
  uint8: { code: 0x02, bytes: 1, none: 0xff },
  uint16: { code: 0x84, bytes: 2, none: 0xffff },
  uint32: { code: 0x86, bytes: 4, none: 0xffffffff },
  uint32z: { code: 0x8c, bytes: 4, none: 0 },
} as const;

/** A field of a message: its number there, and how it is written. */
export interface FitField {
  readonly number: number;
  readonly type: keyof typeof baseTypes;
}

/** A kind of message with its fields by name, in the order in which they are written. */
export interface FitMessage {
  readonly number: number;
  readonly fields: Readonly<Record<string, FitField>>;
}

export interface FitRow {
  readonly message: FitMessage;
  /** By the names of the fields: numbers as they stand in the file, scaled; null for none. What does not fit is none too. */
  readonly values: Readonly<Record<string, number | null>>;
}

/** Protocol 2.0, and the profile whose fields are used. */
const protocolVersion = 0x20;
const profileVersion = 2132;
const headerBytes = 14;
/** `.FIT`. */
const signature = [0x2e, 0x46, 0x49, 0x54];
const definitionBit = 0x40;

/** One file. At most 16 kinds of messages: each has a local number of four bits. */
export function writeFit(rows: readonly FitRow[]): Uint8Array<ArrayBuffer> {
  const local = new Map<FitMessage, number>();
  const body: number[] = [];
  for (const { message, values } of rows) {
    const known = local.get(message);
    const number = known ?? local.size;
    local.set(message, number);
    if (known === undefined) body.push(definitionBit | number, ...definition(message));
    const fields = Object.entries(message.fields);
    body.push(number, ...fields.flatMap(([name, field]) => written(field, values[name] ?? null)));
  }
  const header = headerOf(body.length);
  const file = [...header, ...body];
  return Uint8Array.from([...file, ...littleEndian(checksum(file), 2)]);
}

function definition(message: FitMessage): number[] {
  const fields = Object.values(message.fields);
  const littleEndianFile = 0;
  return [
    0,
    littleEndianFile,
    ...littleEndian(message.number, 2),
    fields.length,
    ...fields.flatMap(({ number, type }) => [number, baseTypes[type].bytes, baseTypes[type].code]),
  ];
}

function written({ type }: FitField, value: number | null): number[] {
  const { bytes, none } = baseTypes[type];
  const rounded = Math.round(value ?? -1);
  const fits = rounded >= 0 && rounded < 2 ** (8 * bytes);
  return littleEndian(fits ? rounded : none, bytes);
}

function headerOf(bodyBytes: number): number[] {
  const start = [
    headerBytes,
    protocolVersion,
    ...littleEndian(profileVersion, 2),
    ...littleEndian(bodyBytes, 4),
    ...signature,
  ];
  return [...start, ...littleEndian(checksum(start), 2)];
}

function littleEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => Math.floor(value / 2 ** (8 * index)) & 0xff);
}

/** CRC-16 by half bytes, as the format wants it. */
const halfByteSums = [
  0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401, 0xa001, 0x6c00, 0x7800, 0xb401,
  0x5000, 0x9c01, 0x8801, 0x4400,
];

function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (const byte of bytes)
    for (const half of [byte & 0xf, byte >> 4])
      sum = (sum >> 4) ^ (halfByteSums[sum & 0xf] ?? 0) ^ (halfByteSums[half] ?? 0);
  return sum;
}
