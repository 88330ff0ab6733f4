/** What statements do to a session. PGlite has one session for all clients, so some must be watched and some refused. */

/** Where a statement may begin: at the start or after a semicolon, behind blanks and comments. */
const begin = String.raw`(?:^|;)(?:\s|--[^\n]*\n|/\*[^]*?\*/)*`;

const settingChange = new RegExp(String.raw`${begin}(?:set|reset)\s|\bset_config\s*\(`, 'i');

/** What would silently reach other clients or wait for bytes that cannot come. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [statement('(?:un)?listen'), 'LISTEN'],
  [statement('prepare(?!\\s+transaction)|deallocate'), 'PREPARE in SQL'],
  [statement('discard'), 'DISCARD'],
  [statement('create\\s+(?:(?:local|global)\\s+)?temp(?:orary)?'), 'a temporary table'],
  [statement('copy\\b[^;]*\\bfrom\\s+stdin'), 'COPY FROM STDIN'],
  [/\bpg_(?:try_)?advisory_(?:un)?lock(?:_shared|_all)?\s*\(/i, 'a session advisory lock'],
];

/** Whether the SQL may change settings that outlive its transaction. A false alarm costs one query. */
export function changesSettings(sql: string): boolean {
  return settingChange.test(sql);
}

/**
 * SQL to run instead of what cannot be done truly. It is a syntax error whose text is the reason, so the backend itself
 * answers as the protocol wants, in every state and by either way of querying.
 */
export function refuse(sql: string): string | undefined {
  const refused = refusals.find(([pattern]) => pattern.test(sql));
  return (
    refused && `'The embedded database shares one session: ${refused[1]} needs a real Postgres'`
  );
}

function statement(pattern: string): RegExp {
  return new RegExp(`${begin}(?:${pattern})\\b`, 'i');
}
