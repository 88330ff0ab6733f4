/** Reading a table of settings from the environment: every fault is reported at once, each in one sentence. */

/** The instance must not start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

export interface Setting<Value> {
  readonly help: string;
  /** Text used when the variable is absent or empty; undefined makes it required. */
  readonly fallback: string | undefined;
  /** Returns the value, or a sentence's end that says what it must be. */
  readonly read: (text: string) => { readonly value: Value } | { readonly fault: string };
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variable and reader of each, by the name it has in the result. */
export type SettingsOf<Values> = {
  readonly [Name in keyof Values]: readonly [variable: string, Setting<Values[Name]>];
};

/** Throws ConfigError with every fault there is. */
export function readSettings<Values extends object>(
  wanted: SettingsOf<Values>,
  environment: Environment,
): Readonly<Values> {
  const faults: string[] = [];
  const entries = Object.entries<readonly [string, Setting<unknown>]>(wanted).map(
    ([name, [variable, { fallback, read }]]) => {
      const given = environment[variable];
      const text = given === undefined || given === '' ? fallback : given;
      if (text === undefined) {
        faults.push(`${variable} is not set.`);
        return [name, undefined];
      }
      const result = read(text);
      if ('value' in result) return [name, result.value];
      faults.push(`${variable} ${result.fault}.`);
      return [name, undefined];
    },
  );
  if (faults.length > 0) throw new ConfigError(faults);
  // The table has an entry for every key wanted, each read by its own reader.
  return Object.freeze(Object.fromEntries(entries) as Values);
}
