/** A reader without a connection: keeps what it is told. */
import type { Reader } from '../../server/session/reader.ts';

export interface Probe extends Reader {
  readonly frames: { readonly type: string; readonly [field: string]: unknown }[];
  readonly closes: number[];
}

export function probe(clientId = 'client-0000000000000001'): Probe {
  const frames: Probe['frames'] = [];
  const closes: number[] = [];
  return {
    clientId,
    generation: 1,
    hello: {
      type: 'hello',
      token: '',
      incarnation: 'incarnation-0000000001',
      kind: 'tally',
      version: 1,
    },
    sighting: undefined,
    arrival: 1,
    frames,
    closes,
    settled: () => {},
    welcomed: () => {},
    send: (text) => void frames.push(JSON.parse(text) as { type: string }),
    sendTogether: (texts) =>
      void frames.push(...texts.map((text) => JSON.parse(text) as { type: string })),
    close: (code) => void closes.push(code),
  };
}
