/** How many connections there are, and from where. [F4] */
import { addressKey } from './address-key.ts';

export interface ConnectionCounts {
  /** Why one more from there would be too much; undefined when it would not. */
  readonly excess: (address: string) => 'address' | 'instance' | undefined;
  /** Counts one; the function it returns takes it back, once. */
  readonly enter: (address: string) => () => void;
}

export interface ConnectionBounds {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export function countConnections(bounds: ConnectionBounds): ConnectionCounts {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    excess: (address) => {
      if (total >= bounds.connectionsMax) return 'instance';
      const count = counts.get(addressKey(address)) ?? 0;
      return count >= bounds.connectionsPerAddressMax ? 'address' : undefined;
    },
    enter: (address) => {
      const key = addressKey(address);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      total++;
      let isIn = true;
      return () => {
        if (!isIn) return;
        isIn = false;
        total--;
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
  };
}
