import { describe, expect, test } from 'vitest';

import { lintMigrations } from '../../server/store/postgres/lint-migrations.ts';
import { migrations } from '../../server/store/postgres/migration-files.ts';
import { readMigration, statementsOf } from '../../server/store/postgres/read-migration.ts';

const beside = 'alter table trackstand.riders';

/** Rules that one file breaks, after a first one that makes a table. */
function broken(sql: string): string[] {
  const first = readMigration(
    '0001-riders',
    '-- expand\ncreate table trackstand.riders (name text);',
  );
  return lintMigrations([first, readMigration('0002-next', sql)]).map(
    (sentence) => /\(([a-z-]+)\)\.$/.exec(sentence)?.[1] ?? sentence,
  );
}

describe('what is wrong with a migration', () => {
  test('nothing is, with those of this release', () => {
    expect(migrations.length).toBeGreaterThan(3);
    expect(lintMigrations(migrations)).toEqual([]);
  });

  test.each([
    ['create table trackstand.x ();', ['undeclared']],
    ['-- Expand\nselect 1;', ['undeclared']],
    [`-- expand\n${beside} drop column name;`, ['expand-takes-away']],
    [`-- expand\n${beside}\n  rename column name to title;`, ['expand-takes-away']],
    [`-- expand\n${beside} alter column name type integer;`, ['expand-takes-away']],
    [`-- expand\n${beside} alter name set not null;`, ['expand-takes-away']],
    [`-- expand\ndrop table trackstand.riders;`, ['expand-takes-away']],
    [`-- expand\n${beside} add column title text not null;`, ['not-null-without-default']],
    [`-- expand\n${beside} add column id uuid default gen_random_uuid();`, ['rewrites-table']],
    [`-- expand\ncreate index i on trackstand.riders (name);`, ['index-holds-writes']],
    [
      `-- expand\ncreate index concurrently i on trackstand.riders (name);`,
      ['concurrently-inside'],
    ],
    [
      `-- expand, outside a transaction\ncreate index concurrently i on trackstand.riders (name);`,
      ['half-an-index'],
    ],
    [`-- expand\n${beside} add constraint c check (name <> '');`, ['constraint-holds-writes']],
    [
      `-- expand\n${beside} add column team text default 'x' references trackstand.teams;`,
      ['constraint-holds-writes'],
    ],
    [`-- expand\nupdate trackstand.riders set name = '';`, ['unbounded-write']],
    [`-- expand, in batches\nupdate trackstand.riders set name = '';`, ['unbounded-batch']],
    [`-- expand\nlock table trackstand.riders;`, ['own-transaction']],
    [
      `-- expand\n-- allows index-holds-writes: it is empty\nselect 1;`,
      ['0002-next: it allows index-holds-writes, and does nothing of the kind.'],
    ],
    [
      `-- contract, unused since 0002-next\n${beside} drop column name;`,
      [
        '0002-next: it says that nothing needs it since 0002-next, which is no earlier migration that expands.',
      ],
    ],
  ])('%j breaks %j', (sql, rules) => {
    expect(broken(sql)).toEqual(rules);
  });

  test.each([
    `-- expand\n${beside} add column title text, add column rank integer not null default 0;`,
    `-- expand\ncreate table trackstand.teams (name text not null); create index i on trackstand.teams (name);`,
    `-- expand, outside a transaction\ndrop index concurrently if exists i;\ncreate index concurrently i on trackstand.riders (name);`,
    `-- expand\n${beside} add constraint c check (name <> '') not valid;`,
    `-- expand\n${beside} add column team text references trackstand.teams;`,
    `-- expand, in batches\nupdate trackstand.riders set name = 'x' where ctid in (select ctid from trackstand.riders where name is null limit 500);`,
    `-- expand\n-- allows index-holds-writes: it is empty\ncreate index i on trackstand.riders (name);`,
    `-- contract, unused since 0001-riders\n${beside} drop column name;`,
    `-- expand\ncreate function trackstand.f() returns trigger language plpgsql as $$ begin delete from x; drop table y; end $$;`,
  ])('nothing is with %j', (sql) => {
    expect(broken(sql)).toEqual([]);
  });

  test('statements end where they end: neither in a text, nor in a comment, nor in a function', () => {
    const sql = `-- one; two\ninsert into t values ('a;b', "c;d", $x$ ; $x$);\n/* ; */ select 1;`;
    expect(statementsOf(sql)).toEqual([
      `insert into t values ('a;b', "c;d", $x$ ; $x$)`,
      'select 1',
    ]);
  });

  test('numbers follow each other', () => {
    const sql = '-- expand\nselect 1;';
    expect(lintMigrations([readMigration('0002-late', sql)])).toEqual([
      '0002-late: its number must be 0001.',
    ]);
  });
});
