/** Commands of this device in order, numbered before they are sent, kept until the session's final receipt. Pure values. */
import type { Welcome, WireCommand } from '../shared/protocol/frames.ts';
import { firstDivergence } from '../shared/session/fold.ts';

export interface Outbox {
  /** This storage's life: lost, copied or rolled back storage gets a new one. */
  readonly incarnation: string;
  /** Command n stands at index n - 1 - forgotten. */
  readonly commands: readonly WireCommand[];
  /** How many of the first commands are not kept any more. */
  readonly forgottenCount: number;
  /** Highest seq known to be in the log. */
  readonly accepted: number;
  /** Highest seq known to be in a committed checkpoint. */
  readonly checkpointed: number;
}

export function emptyOutbox(incarnation: string): Outbox {
  return { incarnation, commands: [], forgottenCount: 0, accepted: 0, checkpointed: 0 };
}

/** Highest seq given. */
export function lastSeq({ commands, forgottenCount }: Outbox): number {
  return forgottenCount + commands.length;
}

export function commandAt(outbox: Outbox, seq: number): WireCommand | undefined {
  return outbox.commands[seq - 1 - outbox.forgottenCount];
}

/** Commands with `from <= seq <= through`. */
export function commandsBetween(
  outbox: Outbox,
  from: number,
  through: number,
): readonly WireCommand[] {
  const { forgottenCount } = outbox;
  return outbox.commands.slice(Math.max(0, from - 1 - forgottenCount), through - forgottenCount);
}

/** Adds a command. Its time never falls behind the one before, whatever the device's clock does. [C9] */
export function addCommand(outbox: Outbox, [type, data, atMs]: WireCommand): Outbox {
  const formerMs = outbox.commands.at(-1)?.[2] ?? 0;
  const command: WireCommand = [type, data, Math.max(atMs, formerMs)];
  return { ...outbox, commands: [...outbox.commands, command] };
}

/** Takes over what the server says; within one epoch watermarks only rise. */
export function raiseWatermarks(
  outbox: Outbox,
  { accepted, checkpointed }: { readonly accepted: number; readonly checkpointed: number },
): Outbox {
  return {
    ...outbox,
    accepted: Math.max(outbox.accepted, accepted),
    checkpointed: Math.max(outbox.checkpointed, checkpointed),
  };
}

export type WelcomeVerdict =
  | { readonly kind: 'continue'; readonly outbox: Outbox; readonly lostCount: number }
  /** The server knows other commands from here on: this storage is a copy, or was rolled back. [R7] */
  | { readonly kind: 'diverged'; readonly commonSeq: number };

/** What a welcome says about the outbox. A lower `accepted` than before is a rebuild: all above it is sent again. [R8] */
export function meetWelcome(outbox: Outbox, welcome: Welcome): WelcomeVerdict {
  const { accepted, checkpointed } = welcome;
  const divergedSeq = firstDivergence(welcome, (seq) => commandAt(outbox, seq));
  if (divergedSeq !== undefined || accepted > lastSeq(outbox))
    return { kind: 'diverged', commonSeq: commonSeq(outbox, welcome, divergedSeq) };
  return {
    kind: 'continue',
    outbox: { ...outbox, accepted, checkpointed },
    lostCount: Math.max(0, outbox.forgottenCount - accepted),
  };
}

/**
 * Up to where this storage and the server have the same commands: as far as the hashes agree, and without any to compare as far as
 * this storage knows that its own were accepted.
 */
function commonSeq(
  outbox: Outbox,
  { accepted, hashes }: Welcome,
  divergedSeq: number | undefined,
): number {
  const firstHashed = accepted - hashes.length + 1;
  const agreedSeq = (divergedSeq ?? lastSeq(outbox) + 1) - 1;
  return agreedSeq >= firstHashed ? agreedSeq : Math.min(outbox.accepted, agreedSeq);
}

/** A new life: what the server does not have is numbered anew, what it has is in the session already. [R7] */
export function reincarnate(outbox: Outbox, commonSeq: number, incarnation: string): Outbox {
  const commands = commandsBetween(outbox, commonSeq + 1, lastSeq(outbox));
  return { ...emptyOutbox(incarnation), commands };
}
