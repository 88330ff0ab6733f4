/** What an app brings to the framework: one description of a session kind, imported by both sides. */
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** Schemas by name. Any Standard Schema library will do (valibot, zod, arktype); validation must be synchronous. */
export type Schemas = Readonly<Record<string, StandardSchemaV1>>;

/** One of the named things a map of schemas describes, as `{ type, data }`. */
export type Named<Map extends Schemas> = {
  [Name in keyof Map & string]: {
    readonly type: Name;
    readonly data: StandardSchemaV1.InferOutput<Map[Name]>;
  };
}[keyof Map & string];

/** A command or an event whose kind of session is not known at compile time. */
export interface AnyNamed {
  readonly type: string;
  readonly data: unknown;
}

/** What `decide` may lean on besides the state: facts that travel with the command. */
export interface CommandContext {
  /** When the client issued the command, ms since the Unix epoch by the client's clock; never falls within one incarnation. */
  readonly atMs: number;
  /** The device that issued it. */
  readonly clientId: string;
}

/** A command turned down, with a stable code in kebab-case. It has no events but keeps its place in `seq`. [C4] */
export interface Refusal {
  readonly refused: string;
}

/** What came of a command. */
export type Decision<Event> = readonly Event[] | Refusal;

/** A value, or one sentence that says what is wrong with what was given. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

/**
 * A session kind. `initial`, `decide` and `evolve` are pure and deterministic: no clock, no randomness, no I/O; they run on the
 * server and in the client, and a state rebuilt from its events equals the state that was lost. State is JSON.
 */
export interface SessionModel<State, Input, Command, Event> {
  readonly kind: string;
  /** Version of the state's shape. An instance that does not know a version does not own the session. */
  readonly version: number;
  readonly parseInput: (input: unknown) => Parsed<Input>;
  readonly parseCommand: (type: string, data: unknown) => Parsed<Command>;
  initial(input: Input): State;
  decide(state: State, command: Command, context: CommandContext): Decision<Event>;
  evolve(state: State, event: Event): State;
  /** Brings a state of an older version to this one. Absent while there is only version 1. */
  upcast?(state: unknown, fromVersion: number): State;
  /**
   * Brings a state to an older version, so that a release can be taken back. What the older version cannot hold is left out; throws
   * when that would be wrong. Events need no such way: older code never sees those of a newer version.
   */
  downcast?(state: State, toVersion: number): unknown;
  /**
   * Whether the session is over: once true, true for good. It is archived when it is quiet then, and commands that are refused from
   * then on count as lost. A kind without it ends only by being abandoned. [L1] [L5]
   */
  isEnded?(state: State): boolean;
}

/** A model whose types are erased: what the framework handles. Methods above are bivariant, so every model fits. */
export type AnyModel = SessionModel<unknown, unknown, AnyNamed, AnyNamed>;

interface Definition<State, Input, Commands extends Schemas, Events extends Schemas> {
  readonly kind: string;
  readonly version: number;
  /** What a session is created with. */
  readonly input: StandardSchemaV1<unknown, Input>;
  readonly commands: Commands;
  readonly events: Events;
  initial(input: Input): State;
  decide(state: State, command: Named<Commands>, context: CommandContext): Decision<Named<Events>>;
  evolve(state: State, event: Named<Events>): State;
  upcast?(state: unknown, fromVersion: number): State;
  downcast?(state: State, toVersion: number): unknown;
  isEnded?(state: State): boolean;
}

/** Describes a session kind. Throws a TypeError when the description itself is wrong. */
export function defineSession<State, Input, Commands extends Schemas, Events extends Schemas>(
  definition: Definition<State, Input, Commands, Events>,
): SessionModel<State, Input, Named<Commands>, Named<Events>> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(definition.kind))
    throw new TypeError(`A session kind is 1-32 of a-z, 0-9 and "-": ${definition.kind}`);
  if (!Number.isInteger(definition.version) || definition.version < 1)
    throw new TypeError(`A session version is an integer from 1: ${definition.version}`);
  return {
    ...definition,
    parseInput: (input) => parse(definition.input, input),
    parseCommand: (type, data) => parseCommand(definition.commands, type, data),
  };
}

function parseCommand<Commands extends Schemas>(
  commands: Commands,
  type: string,
  data: unknown,
): Parsed<Named<Commands>> {
  const schema = Object.hasOwn(commands, type) ? commands[type] : undefined;
  if (schema === undefined) return { ok: false, problem: `Unknown command "${type}".` };
  const parsed = parse(schema, data);
  return parsed.ok ? { ok: true, value: { type, data: parsed.value } } : parsed;
}

function parse<Value>(schema: StandardSchemaV1<unknown, Value>, input: unknown): Parsed<Value> {
  const result = schema['~standard'].validate(input);
  if (result instanceof Promise)
    throw new TypeError('Session schemas must validate synchronously.');
  if (result.issues === undefined) return { ok: true, value: result.value };
  const [issue] = result.issues;
  const path = (issue?.path ?? []).map((part) =>
    String(typeof part === 'object' ? part.key : part),
  );
  const where = path.length === 0 ? '' : `${path.join('.')}: `;
  // What came is not repeated: it may be long, or secret.
  const message = issue?.message.replace(/ but received ".*$/s, '') ?? 'not valid';
  return { ok: false, problem: `${where}${message}` };
}
