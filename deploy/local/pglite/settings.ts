/** Settings a client gave its session, so that the one session of PGlite can become another client's and back. */

/** Names and values, in the order of names. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** Asks for the settings that differ from the server's own: rows of name and value. */
export const settingsQuery = `select name, setting from pg_settings where source = 'session' order by name`;

/** Says who a client is rather than how its session behaves, or, the encoding, is always UTF-8 here. */
const notSettings = new Set(['user', 'database', 'replication', 'client_encoding', 'options']);

export function isSame(a: Settings, b: Settings): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** SQL that gives them to a session that has none. */
export function settingsSql(settings: Settings): string {
  const calls = settings.map(
    ([name, value]) => `set_config(${quote(name)}, ${quote(value)}, false)`,
  );
  return calls.length === 0 ? '' : `select ${calls.join(', ')}`;
}

/** What a start-up message asks for, by parameters and by `options` like `-c search_path=app`. */
export function startupSettings(parameters: ReadonlyMap<string, string>): Settings {
  const direct = [...parameters].filter(
    ([name]) => !notSettings.has(name) && !name.startsWith('_pq_.'),
  );
  const all = new Map([...direct, ...readOptions(parameters.get('options') ?? '')]);
  return [...all].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Words are parted by blanks; a backslash keeps the character behind it. Source: `pg_split_opts` of Postgres. */
function readOptions(options: string): (readonly [string, string])[] {
  const words = (options.match(/(?:\\.|[^\s\\])+/g) ?? []).map((word) =>
    word.replace(/\\(.)/g, '$1'),
  );
  return words
    .map((word, at) => (words[at - 1] === '-c' ? word : word.replace(/^(?:--|-c(?=.))/, '')))
    .filter((word) => word.includes('='))
    .map((word) => {
      const [name = '', ...value] = word.split('=');
      return [name.replaceAll('-', '_'), value.join('=')] as const;
    });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
