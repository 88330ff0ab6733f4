/** What a migration's file says of itself in its first lines: its phase, how it runs, and what it knowingly allows. Pure. */

/** `expand` only adds, so that every release goes on beside it. `contract` takes away what later releases do without. */
export type Phase =
  | { readonly kind: 'expand' }
  | {
      readonly kind: 'contract';
      /** A release that knows the migration of this name no longer needs what is taken away. */
      readonly unusedSince: string;
    };

/**
 * `whole`: in one transaction. `in-batches`: its one statement again and again, each time in a transaction, until it changes nothing.
 * `alone`: each statement by itself outside a transaction, for what Postgres does not do inside one.
 */
export type Running = 'whole' | 'in-batches' | 'alone';

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** Undefined when the file does not say it. */
  readonly phase: Phase | undefined;
  readonly running: Running;
  /** Rules of the linter it breaks knowingly, each with its reason. */
  readonly allows: ReadonlyMap<string, string>;
}

const firstLine =
  /^-- (?:(expand)|contract, unused since ([0-9]{4}-[a-z0-9-]+))(?:, (in batches|outside a transaction))?$/;
const allowance = /^-- allows ([a-z-]+): (\S.*)$/gm;

export function readMigration(name: string, sql: string): Migration {
  const [, expands, unusedSince, runs] = firstLine.exec(sql.split('\n', 1)[0] ?? '') ?? [];
  const phase: Phase | undefined =
    expands !== undefined
      ? { kind: 'expand' }
      : unusedSince === undefined
        ? undefined
        : { kind: 'contract', unusedSince };
  const running: Running =
    runs === 'in batches' ? 'in-batches' : runs === undefined ? 'whole' : 'alone';
  const allows = [...sql.matchAll(allowance)].map(
    ([, rule = '', reason = '']) => [rule, reason] as const,
  );
  return { name, sql, phase, running, allows: new Map(allows) };
}

/** What stands for itself in SQL: comments, quoted text of every kind, the end of a statement, and all else. */
const token =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|;|[^-/'"$;]+|[\s\S]/g;

/** The statements of a file, without comments, as they were written. */
export function statementsOf(sql: string): string[] {
  const statements = [''];
  for (const [text] of sql.matchAll(token)) {
    if (text === ';') statements.push('');
    else if (!text.startsWith('--') && !text.startsWith('/*'))
      statements.push(`${statements.pop() ?? ''}${text}`);
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

/** A statement in small letters with single blanks; quoted text and bodies of functions are taken out. */
export function plainStatement(statement: string): string {
  return [...statement.matchAll(token)]
    .map(([text]) => (/^('|\$\w*\$)/.test(text) ? "''" : text.toLowerCase()))
    .join('')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
