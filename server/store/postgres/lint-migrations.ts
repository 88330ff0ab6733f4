/** Whether migrations do what they declare, and hold nobody up while they do it. Pure. */
import { plainStatement, statementsOf, type Migration } from './read-migration.ts';

interface Rule {
  readonly name: string;
  /** What is wrong, as the end of a sentence about the file. */
  readonly fault: string;
  readonly isBroken: (migration: Migration, statements: readonly string[]) => boolean;
}

const takesAway =
  /\bdrop (table|column|view|materialized view|function|procedure|trigger|type|schema|sequence|default)\b|\brename\b|\bset not null\b|\bset schema\b|^truncate\b|^delete\b|\balter (column )?\S+ (set data )?type\b/;

const createdTables = (statements: readonly string[]): ReadonlySet<string> =>
  new Set(
    statements.flatMap((statement) => {
      const [, table] = /^create table (?:if not exists )?([^\s(]+)/.exec(statement) ?? [];
      return table === undefined ? [] : [table];
    }),
  );

/** Statements that touch a table which was there before this file, with the table named by the pattern's first group. */
const onFormerTables = (statements: readonly string[], table: RegExp): string[] => {
  const created = createdTables(statements);
  return statements.filter((statement) => {
    const [, name] = table.exec(statement) ?? [];
    return name !== undefined && !created.has(name);
  });
};

const altered = /^alter table (?:if exists )?(?:only )?(\S+)/;

/** Each clause of an `alter table`; a comma inside brackets separates nothing. */
const clausesOf = (statement: string): string[] => statement.split(/,(?![^(]*\))/);

const rules: readonly Rule[] = [
  {
    name: 'undeclared',
    fault: 'its first line is not `-- expand` or `-- contract, unused since <migration>`',
    isBroken: ({ phase }) => phase === undefined,
  },
  {
    name: 'expand-takes-away',
    fault: 'it says that it expands, and takes away or changes what is there',
    isBroken: ({ phase }, statements) =>
      phase?.kind === 'expand' && statements.some((statement) => takesAway.test(statement)),
  },
  {
    name: 'not-null-without-default',
    fault: 'it adds a column that older releases do not fill: not null without a default',
    isBroken: (_, statements) =>
      onFormerTables(statements, altered)
        .flatMap(clausesOf)
        .some(
          (clause) => /\badd column\b.*\bnot null\b/.test(clause) && !/\bdefault\b/.test(clause),
        ),
  },
  {
    name: 'rewrites-table',
    fault:
      'it adds a column whose default is another one for each row: the whole table is rewritten under a lock',
    isBroken: (_, statements) =>
      onFormerTables(statements, altered)
        .flatMap(clausesOf)
        .some((clause) =>
          /\badd column\b.*(\b(big|small)?serial\b|\bdefault (gen_random_uuid|random|clock_timestamp|nextval)\b|\bgenerated\b)/.test(
            clause,
          ),
        ),
  },
  {
    name: 'index-holds-writes',
    fault: 'it builds an index without `concurrently` on a table that is written meanwhile',
    isBroken: (_, statements) =>
      onFormerTables(
        statements,
        /^create (?:unique )?index (?!concurrently\b).*?\bon (?:only )?([^\s(]+)/,
      ).length > 0,
  },
  {
    name: 'constraint-holds-writes',
    fault:
      'it adds a constraint that looks through the whole table under a lock: add it `not valid`, and validate it in a later file',
    isBroken: (_, statements) =>
      onFormerTables(statements, altered)
        .flatMap(clausesOf)
        .some(
          (clause) =>
            (/\badd (constraint \S+ )?(check|foreign key|unique|primary key|exclude)\b/.test(
              clause,
            ) &&
              !/\bnot valid\b|\busing index\b/.test(clause)) ||
            // A column that begins empty refers to nothing, and Postgres knows.
            /\badd column\b.*\b(unique|primary key|check|default .*references)\b/.test(clause),
        ),
  },
  {
    name: 'unbounded-write',
    fault:
      'it changes rows of a table that is there without a bound: say `in batches`, with a limit',
    isBroken: ({ running }, statements) =>
      running !== 'in-batches' &&
      onFormerTables(statements, /^(?:with .* )?(?:update|delete from) (?:only )?(\S+)/).length > 0,
  },
  {
    name: 'unbounded-batch',
    fault: 'in batches means one statement with a limit, which ends by changing nothing',
    isBroken: ({ running }, statements) =>
      running === 'in-batches' &&
      !(
        statements.length === 1 && /^(with|update|delete)\b.*\blimit \d+/.test(statements[0] ?? '')
      ),
  },
  {
    name: 'concurrently-inside',
    fault: '`concurrently` works outside a transaction only, and must be said so in the first line',
    isBroken: ({ running }, statements) =>
      running !== 'alone' && statements.some((statement) => /\bconcurrently\b/.test(statement)),
  },
  {
    name: 'half-an-index',
    fault:
      'an index that was cut off stays, and counts for nothing: `drop index concurrently if exists` comes before',
    isBroken: ({ running }, statements) =>
      running === 'alone' &&
      statements.some((statement, at) => {
        const [, index] =
          /^create (?:unique )?index concurrently (?:if not exists )?(\S+) on/.exec(statement) ??
          [];
        const before = statements[at - 1] ?? '';
        return (
          index !== undefined &&
          !(before.startsWith('drop index concurrently if exists ') && before.endsWith(index))
        );
      }),
  },
  {
    name: 'own-transaction',
    fault: 'it begins, ends or locks by itself what the runner looks after',
    isBroken: (_, statements) =>
      statements.some((statement) =>
        /^(begin|start transaction|commit|rollback|lock|set|vacuum|reindex|cluster)\b/.test(
          statement,
        ),
      ),
  },
];

/** A sentence for each fault; none when every file does what it declares. */
export function lintMigrations(migrations: readonly Migration[]): string[] {
  return migrations.flatMap((migration, at) => [
    ...placeFaults(migrations, at),
    ...ruleFaults(migration),
  ]);
}

function placeFaults(migrations: readonly Migration[], at: number): string[] {
  const { name, phase } = migrations[at] ?? { name: '', phase: undefined };
  const number = String(at + 1).padStart(4, '0');
  const earlier = migrations.slice(0, at);
  const faults = new RegExp(`^${number}-[a-z0-9-]+$`).test(name)
    ? []
    : [`${name}: its number must be ${number}.`];
  if (phase?.kind !== 'contract') return faults;
  const since = earlier.find((migration) => migration.name === phase.unusedSince);
  if (since?.phase?.kind === 'expand') return faults;
  return [
    ...faults,
    `${name}: it says that nothing needs it since ${phase.unusedSince}, which is no earlier migration that expands.`,
  ];
}

function ruleFaults(migration: Migration): string[] {
  const { name, sql, allows } = migration;
  const statements = statementsOf(sql).map(plainStatement);
  const broken = rules.filter((rule) => rule.isBroken(migration, statements));
  const idle = [...allows.keys()].filter((rule) => broken.every((found) => found.name !== rule));
  return [
    ...broken
      .filter((rule) => !allows.has(rule.name))
      .map((rule) => `${name}: ${rule.fault} (${rule.name}).`),
    ...idle.map((rule) => `${name}: it allows ${rule}, and does nothing of the kind.`),
  ];
}
