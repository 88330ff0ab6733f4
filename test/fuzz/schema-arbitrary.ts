/** Values a valibot schema takes, drawn from the schema itself, so that a field nobody thought of here is fuzzed too. */
import fc, { type Arbitrary } from 'fast-check';

/** An action of a pipe, or a schema, which may have a pipe of its own. */
interface PipeItem {
  readonly type: string;
  readonly requirement?: unknown;
  readonly pipe?: readonly PipeItem[];
}

/** The part of a valibot schema that is looked at. */
export interface AnySchema {
  readonly type: string;
  readonly pipe?: readonly PipeItem[];
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly items?: readonly AnySchema[];
  readonly item?: AnySchema;
  readonly options?: readonly unknown[];
  readonly wrapped?: AnySchema;
  readonly literal?: unknown;
  readonly key?: AnySchema;
  readonly value?: AnySchema;
}

/** Items of a list at most: bounds of lists are for the mutations. */
const itemsMax = 4;

export function valuesOf(schema: AnySchema): Arbitrary<unknown> {
  const actions = new Map(actionsOf(schema));
  switch (schema.type) {
    case 'object':
    case 'loose_object':
    case 'strict_object':
      return checked(objects(schema.entries ?? {}), actions.get('check'));
    case 'variant':
    case 'union':
      return fc.oneof(...((schema.options ?? []) as AnySchema[]).map(valuesOf));
    case 'picklist':
      return fc.constantFrom(...(schema.options ?? []));
    case 'literal':
      return fc.constant(schema.literal);
    case 'array':
      return fc.array(valuesOf(schema.item ?? { type: 'unknown' }), {
        minLength: Number(actions.get('min_length') ?? 0),
        maxLength: itemsMax,
      });
    case 'tuple':
      return fc.tuple(...(schema.items ?? []).map(valuesOf));
    case 'record':
      return fc.dictionary(fc.string(), valuesOf(schema.value ?? { type: 'unknown' }), {
        maxKeys: itemsMax,
      });
    case 'nullable':
    case 'nullish':
      return fc.option(valuesOf(schema.wrapped ?? { type: 'unknown' }), { nil: null });
    case 'optional':
    case 'exact_optional':
      return valuesOf(schema.wrapped ?? { type: 'unknown' });
    case 'boolean':
      return fc.boolean();
    case 'number':
      return numbers(actions);
    case 'string':
      return texts(actions);
    case 'any':
    case 'unknown':
      return fc.jsonValue({ maxDepth: 3 });
    default:
      throw new Error(`Nobody said how to draw a value of the schema "${schema.type}".`);
  }
}

function actionsOf({ type, requirement, pipe }: PipeItem): (readonly [string, unknown])[] {
  // The first item of a pipe is the schema it stands on, without this pipe.
  return pipe === undefined ? [[type, requirement]] : pipe.flatMap(actionsOf);
}

function objects(entries: Readonly<Record<string, AnySchema>>): Arbitrary<unknown> {
  const requiredKeys = Object.keys(entries).filter(
    (key) => !/optional|nullish/.test(entries[key]?.type ?? ''),
  );
  const shape = Object.fromEntries(
    Object.entries(entries).map(([key, schema]) => [key, valuesOf(schema)]),
  );
  return fc.record(shape, { requiredKeys });
}

/** What fields say of each other: such values are drawn until it holds. */
function checked(values: Arbitrary<unknown>, check: unknown): Arbitrary<unknown> {
  if (typeof check !== 'function') return values;
  return values.filter((value) => Reflect.apply(check, undefined, [value]) === true);
}

function numbers(actions: ReadonlyMap<string, unknown>): Arbitrary<unknown> {
  const isWhole = actions.has('safe_integer') || actions.has('integer');
  const min = Number(actions.get('min_value') ?? Number.MIN_SAFE_INTEGER);
  const max = Number(actions.get('max_value') ?? Number.MAX_SAFE_INTEGER);
  const whole = (upTo: number): Arbitrary<unknown> =>
    fc.bigInt({ min: BigInt(Math.max(min, 0)), max: BigInt(upTo) }).map(Number);
  if (isWhole) return fc.oneof(whole(Math.min(max, 1_000)), whole(max));
  return fc.double({ min, max, noNaN: true, noDefaultInfinity: true });
}

function texts(actions: ReadonlyMap<string, unknown>): Arbitrary<unknown> {
  const pattern = actions.get('regex');
  if (pattern instanceof RegExp) return fc.stringMatching(pattern);
  const unitsMax = Number(actions.get('max_length') ?? 40);
  const lengths = {
    minLength: Number(actions.get('min_length') ?? 0),
    maxLength: Math.min(unitsMax, 80),
  };
  // Drawn by characters, of which some take two units.
  return fc.string({ unit: 'binary', ...lengths }).filter(({ length }) => length <= unitsMax);
}
