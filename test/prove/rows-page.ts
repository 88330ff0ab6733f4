/** The rows, as tables of the page. Pure. */
import { figure, ruleOfThree } from './report.ts';
import { failedCount, isAsExpected, type Row, type RowNoticed, type RowResult } from './rows.ts';

const groups: readonly (readonly [Row['group'], title: string, remark: string])[] = [
  ['ours', 'What this deploy kit does', ''],
  [
    'taken-away',
    'With one guard taken away',
    'Each row is this kit without one of its guards, or without the others that would stand in for it; what it shows is what the guard prevents.',
  ],
  ['other-proxies', 'Other proxies, used with care', ''],
  [
    'others',
    'Ways of others',
    'What five published recipes do, with this server in place of theirs. *Nearest equivalent* says that a part which is not to be had here (Nomad, Consul, Traefik) is stood in for; their own figures are in brackets.',
  ],
];

export function rowsAsMarkdown(results: readonly RowResult[]): string {
  const found = groups
    .map(
      ([group, ...words]) => [results.filter(({ row }) => row.group === group), ...words] as const,
    )
    .filter(([rows]) => rows.length > 0);
  return [
    ...lossLine(results),
    ...found.flatMap(([rows, title, remark]) => [
      `### ${title}`,
      '',
      ...(remark === '' ? [] : [remark, '']),
      '| row | what was done, and what it shows | must come of it | requests that failed | moves per client | without a connection |',
      '|---|---|---|---|---|---|',
      ...rows.map(asLine),
      '',
    ]),
  ].join('\n');
}

/** Of how many rows what must come did, for the first lines of the page and the last of the terminal. */
export function rowsInShort(results: readonly RowResult[]): string {
  const ran = results.filter(({ outcome }) => typeof outcome !== 'string');
  const odd = results.filter((result) => !isAsExpected(result)).map(({ row }) => row.id);
  const left = results.filter(({ outcome, isBroken }) => typeof outcome === 'string' && !isBroken);
  return [
    odd.length === 0
      ? `All ${ran.length} rows came out as they must.`
      : `${results.length} rows, not as they must: ${odd.join(', ')}.`,
    ...(left.length === 0 ? [] : [`Not run here: ${left.map(({ row }) => row.id).join(', ')}.`]),
  ].join(' ');
}

/** The one thing that is the same whatever is done. */
function lossLine(results: readonly RowResult[]): string[] {
  const ran = results.map(({ outcome }) => outcome).filter((one) => typeof one !== 'string');
  const sum = (of: (noticed: RowNoticed) => number): number =>
    ran.reduce((total, noticed) => total + of(noticed), 0);
  const lost = sum(({ differingCount }) => differingCount);
  return ran.length === 0
    ? []
    : [
        `In the ${ran.length} rows below **${lost} of ${figure(sum(({ moves }) => moves.length))} sessions lost, doubled or swapped a command**, of ${figure(sum(({ commandCount }) => commandCount))} commands that were accepted and saved, whatever was done.`,
        '',
      ];
}

function asLine(result: RowResult): string {
  const { row, outcome, isBroken } = result;
  const shows = `${row.what}. *${row.because}*`;
  if (typeof outcome === 'string')
    return `| ${row.id} | ${shows} | ${row.expects.says} | ${isBroken === true ? '**It broke:**' : 'not run:'} ${outcome.replaceAll('\n', ' ')} | | |`;
  const { exitCode, note, moves, peak, differingCount } = outcome;
  const remarks = [
    ...(isAsExpected(result) ? [] : ['**NOT AS IT MUST BE.**']),
    ...(differingCount === 0
      ? []
      : [
          `**Commands lost, doubled or swapped in ${differingCount} of ${moves.length} sessions.**`,
        ]),
    shows,
    ...(note === undefined ? [] : [note]),
    ...(exitCode === undefined ? [] : [`(exit ${exitCode})`]),
  ];
  return [
    '',
    row.id,
    remarks.join(' '),
    row.expects.says,
    failures(outcome),
    `${perClient(moves)}, at most ${peak} in 0.1 s`,
    gaps(outcome),
    '',
  ]
    .join(' | ')
    .trim();
}

function failures(outcome: RowNoticed): string {
  const count = failedCount(outcome);
  const { requestCount } = outcome;
  if (count === 0)
    return `0 of ${figure(requestCount)} (95 %: below ${ruleOfThree(requestCount, '')})`;
  const share = ((100 * count) / Math.max(1, requestCount)).toFixed(1);
  const faults = Object.entries(outcome.failed)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 4)
    .map(([fault, times]) => `${times} × ${fault}`);
  return `${figure(count)} of ${figure(requestCount)}, ${share} %: ${faults.join(', ')}`;
}

function perClient(moves: readonly number[]): string {
  const total = moves.reduce((sum, one) => sum + one, 0);
  return `${(total / Math.max(1, moves.length)).toFixed(2)} (${total} moves of ${moves.length} clients, ${Math.max(0, ...moves)} the most)`;
}

export function gaps({ gapsMs }: Pick<RowNoticed, 'gapsMs'>): string {
  const sorted = gapsMs
    .toSorted((one, other) => one - other)
    .map((gapMs) => figure(Math.round(gapMs)));
  return sorted.length === 0
    ? 'never'
    : `${sorted.length} times: ${sorted[sorted.length >> 1]} ms in the middle, ${sorted.at(-1)} ms the longest`;
}
