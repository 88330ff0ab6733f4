/** How much one frame of commands may bring. */
import { sizeFault } from '../../shared/protocol/command-size.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import type { Limits } from '../../shared/protocol/limits.ts';

/** `frameChars`: characters of the whole frame. Throws ProtocolError `too-many-commands` or `bad-frame`. [B2] [B3] [B12] */
export function checkSize(
  commands: readonly WireCommand[],
  frameChars: number,
  limits: Limits,
): void {
  const { frame_commands_max: countMax } = limits;
  if (commands.length > countMax)
    throw new ProtocolError('too-many-commands', `At most ${countMax} a frame.`);
  for (const [, data] of commands) {
    const fault = sizeFault(data, limits, frameChars);
    if (fault !== undefined) throw new ProtocolError('bad-frame', fault);
  }
}
