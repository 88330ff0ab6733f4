/** Commands in order, as a value that grows without a copy. */
import type { WireCommand } from '../shared/protocol/frames.ts';

/**
 * The first `length` of `shared`. A list and what it became by one more command share their beginning: a copy for each command would
 * cost more than everything else about it, on a ride of hours. What is in a list never changes.
 */
export interface CommandList {
  readonly shared: WireCommand[];
  readonly length: number;
}

export function commandList(commands: readonly WireCommand[]): CommandList {
  return { shared: [...commands], length: commands.length };
}

export function withCommand({ shared, length }: CommandList, command: WireCommand): CommandList {
  // Another list went on from here already: the two share nothing from now on.
  const own = shared.length === length ? shared : shared.slice(0, length);
  own.push(command);
  return { shared: own, length: length + 1 };
}

export function commandIn({ shared, length }: CommandList, index: number): WireCommand | undefined {
  return index < length ? shared[index] : undefined;
}

/** Those with `from <= index < to`. */
export function commandsIn(
  { shared, length }: CommandList,
  from: number,
  to: number,
): readonly WireCommand[] {
  return shared.slice(Math.max(0, from), Math.max(0, Math.min(to, length)));
}
