/** Commands of this device in order, numbered before they are sent, kept until the session's final receipt. Pure values. */
import type { Welcome, WireCommand } from '../shared/protocol/frames.ts';
import { commandHash, firstDivergence } from '../shared/session/fold.ts';
import {
  commandIn,
  commandList,
  commandsIn,
  withCommand,
  type CommandList,
} from './command-list.ts';
import type { StoredSession } from './session-storage.ts';

export interface Outbox {
  /** This storage's life: lost, copied or rolled back storage gets a new one. */
  readonly incarnation: string;
  /** Command n stands at index n - 1 - forgotten. */
  readonly commands: CommandList;
  /** How many of the first commands are not kept any more. */
  readonly forgottenCount: number;
  /** Highest seq known to be in the log. */
  readonly accepted: number;
  /** Highest seq known to be in a committed checkpoint. */
  readonly checkpointed: number;
}

export function emptyOutbox(incarnation: string): Outbox {
  return {
    incarnation,
    commands: commandList([]),
    forgottenCount: 0,
    accepted: 0,
    checkpointed: 0,
  };
}

/** As the device's storage has it. */
export function keptOutbox(
  {
    incarnation,
    accepted,
    checkpointed,
    forgottenCount = 0,
  }: Pick<StoredSession, 'incarnation' | 'accepted' | 'checkpointed' | 'forgottenCount'>,
  commands: readonly WireCommand[],
): Outbox {
  return { incarnation, commands: commandList(commands), forgottenCount, accepted, checkpointed };
}

/** Highest seq given. */
export function lastSeq({ commands, forgottenCount }: Outbox): number {
  return forgottenCount + commands.length;
}

export function commandAt(outbox: Outbox, seq: number): WireCommand | undefined {
  return commandIn(outbox.commands, seq - 1 - outbox.forgottenCount);
}

/** Commands with `from <= seq <= through`. */
export function commandsBetween(
  outbox: Outbox,
  from: number,
  through: number,
): readonly WireCommand[] {
  const { commands, forgottenCount } = outbox;
  return commandsIn(commands, from - 1 - forgottenCount, through - forgottenCount);
}

/** The last one, if there is any. */
export function latestCommand(outbox: Outbox): readonly WireCommand[] {
  return commandsBetween(outbox, lastSeq(outbox), lastSeq(outbox));
}

type Watermarks = Pick<Outbox, 'accepted' | 'checkpointed'>;

/** Written out whole: a copy by spread that is written to costs V8 twenty times as much, and there is a new outbox for each frame. */
const changed = (
  { incarnation, commands: former, forgottenCount }: Outbox,
  { accepted, checkpointed }: Watermarks,
  commands = former,
): Outbox => ({ incarnation, commands, forgottenCount, accepted, checkpointed });

/** Adds a command. Its time never falls behind the one before, whatever the device's clock does. [C9] */
export function addCommand(outbox: Outbox, [type, data, atMs]: WireCommand): Outbox {
  const formerMs = commandAt(outbox, lastSeq(outbox))?.[2] ?? 0;
  const command: WireCommand = [type, data, Math.max(atMs, formerMs)];
  return changed(outbox, outbox, withCommand(outbox.commands, command));
}

/** After the final receipt nothing is asked for any more. [L1] */
export function forgetCommands(outbox: Outbox): Outbox {
  return { ...outbox, commands: commandList([]), forgottenCount: lastSeq(outbox) };
}

/** Takes over what the server says; within one epoch watermarks only rise. */
export const raiseWatermarks = (outbox: Outbox, { accepted, checkpointed }: Watermarks): Outbox =>
  changed(outbox, {
    accepted: Math.max(outbox.accepted, accepted),
    checkpointed: Math.max(outbox.checkpointed, checkpointed),
  });

export type WelcomeVerdict =
  | { readonly kind: 'continue'; readonly outbox: Outbox; readonly lostCount: number }
  /** The server knows other commands after that one: this storage is a copy, or was rolled back. [R7] */
  | { readonly kind: 'diverged'; readonly commonSeq: number }
  /** It does, but the hashes do not reach back to the last one on which the two agree: they must be asked for. [C8] */
  | { readonly kind: 'unclear' };

/** What a welcome says about the outbox. A lower `accepted` than before is a rebuild: all above it is sent again. [R8] */
export function meetWelcome(outbox: Outbox, welcome: Welcome): WelcomeVerdict {
  const { accepted } = welcome;
  const divergedSeq = firstDivergence(welcome, (seq) => hashAt(outbox, seq));
  if (divergedSeq !== undefined || accepted > lastSeq(outbox)) {
    const commonSeq = (divergedSeq ?? lastSeq(outbox) + 1) - 1;
    const isKnown = commonSeq >= firstHashed(welcome) || firstHashed(welcome) === 1;
    if (isKnown) return { kind: 'diverged', commonSeq };
    // Nobody can tell more: what this storage was told of as accepted is taken for the common part.
    if (welcome.hashes_from !== undefined)
      return { kind: 'diverged', commonSeq: Math.min(commonSeq, outbox.accepted) };
    return { kind: 'unclear' };
  }
  return {
    kind: 'continue',
    outbox: changed(outbox, welcome),
    lostCount: Math.max(0, outbox.forgottenCount - accepted),
  };
}

function hashAt(outbox: Outbox, seq: number): string | undefined {
  const command = commandAt(outbox, seq);
  return command && commandHash(command);
}

/** Seq of the first command the welcome tells the hash of. */
const firstHashed = ({ accepted, hashes }: Welcome): number => accepted - hashes.length + 1;

/** A new life: what the server does not have is numbered anew, what it has is in the session already. [R7] */
export function reincarnate(outbox: Outbox, commonSeq: number, incarnation: string): Outbox {
  const commands = commandsBetween(outbox, commonSeq + 1, lastSeq(outbox));
  return { ...emptyOutbox(incarnation), commands: commandList(commands) };
}
