/** How much one frame of commands may bring. */
import { ProtocolError } from '../../shared/protocol/errors.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import { depthMax, type Limits } from '../../shared/protocol/limits.ts';

/** Throws ProtocolError `too-many-commands` or `bad-frame`. [B2] [B3] [B12] */
export function checkSize(commands: readonly WireCommand[], limits: Limits): void {
  const { frame_commands_max: countMax, command_bytes_max: bytesMax } = limits;
  if (commands.length > countMax)
    throw new ProtocolError('too-many-commands', `At most ${countMax} a frame.`);
  // Before anything walks through it: what is nested deeper than the stack would end the session, for everybody in it.
  if (commands.some(([, data]) => isDeeper(data, depthMax)))
    throw new ProtocolError('bad-frame', `A command's data is ${depthMax} levels deep at most.`);
  if (commands.some(([, data]) => jsonBytes(data) > bytesMax))
    throw new ProtocolError('bad-frame', `A command has ${bytesMax} bytes at most.`);
}

/** Bytes of a value as JSON. */
function jsonBytes(data: unknown): number {
  return Buffer.byteLength(JSON.stringify(data ?? null));
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
