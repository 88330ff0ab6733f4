/** What is said of the service, in sentences. Pure. */
import type { DeployNote, InstanceReport, ServiceReport } from './service-report.ts';

/** Three words were missed. */
const silentMaxMs = 35_000;
const lagMaxMs = 60_000;
const loopDelayMaxMs = 500;
const backupMaxMs = 26 * 3_600_000;

export const isSilent = ({ silentMs }: InstanceReport): boolean => silentMs > silentMaxMs;

/** A duration as people say it: the largest unit that fits, and no more of it than is known. */
export function lasting(ms: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const [unitMs, unit] = units.find(([unitMs]) => ms >= unitMs) ?? [1, 'ms'];
  const amount = Math.floor(ms / unitMs);
  return `${amount} ${unit === 'day' && amount !== 1 ? 'days' : unit}`;
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** In one line: who serves whom with what. */
export function summaryOf({ instances }: ServiceReport): string {
  const heard = instances.filter((instance) => !isSilent(instance));
  const releases = [...new Set(heard.map(({ release }) => release))];
  const sum = (read: (instance: InstanceReport) => number): number =>
    heard.reduce((total, instance) => total + read(instance), 0);
  return [
    counted(heard.length, 'instance'),
    `release ${releases.join(' and ')}`,
    counted(
      sum(({ sessions }) => sessions),
      'session',
    ),
    counted(
      sum(({ connections }) => connections),
      'connection',
    ),
  ].join(' · ');
}

/** What somebody should look at, worst first. Names of alerts are those of the runbook. */
export function troublesOf({ instances, backupAgeMs }: ServiceReport): string[] {
  const heard = instances.filter((instance) => !isSilent(instance));
  const releases = new Set(heard.map(({ release }) => release));
  const some = (isSo: (instance: InstanceReport) => boolean): boolean => heard.some(isSo);
  const lagMs = Math.max(0, ...heard.map(({ checkpointLagMs }) => checkpointLagMs));
  return [
    ...(some(({ postgres }) => postgres === 'away') ? ['Postgres does not answer everybody.'] : []),
    ...(some(({ redis }) => redis === 'away')
      ? ['Redis does not answer everybody; Postgres is the log meanwhile.']
      : []),
    ...(lagMs > lagMaxMs ? [`What riders do has not been saved for ${lasting(lagMs)}.`] : []),
    ...instances
      .filter(isSilent)
      .map(({ place, silentMs }) => `No word from ${place} for ${lasting(silentMs)}.`),
    ...heard
      .filter(({ loopDelayMs }) => loopDelayMs > loopDelayMaxMs)
      .map(({ place, loopDelayMs }) => `${place} is busy: commands wait ${lasting(loopDelayMs)}.`),
    ...(heard.length === 1 ? ['One instance serves alone.'] : []),
    ...(releases.size > 1 ? [`Releases ${[...releases].join(' and ')} serve side by side.`] : []),
    ...(backupAgeMs === undefined
      ? ['There is no verified backup.']
      : backupAgeMs > backupMaxMs
        ? [`The latest verified backup is ${lasting(backupAgeMs)} old.`]
        : []),
  ];
}

type Tone = 'good' | 'bad' | 'plain';

const done: Readonly<Record<string, string>> = {
  'deploy-done': 'was deployed',
  'canary-done': 'was deployed by canary',
  'switch-done': 'was switched to',
  'rollback-done': 'was gone back to',
};

/** One line of rolling.sh's audit log. */
export function deploySentence(note: DeployNote): { readonly text: string; readonly tone: Tone } {
  const { action, release, from, by, why, moved, seconds } = note;
  const who = by === '' ? '' : ` by ${by}`;
  const finished = done[action];
  if (finished !== undefined)
    return {
      tone: 'good',
      text: `Release ${release} ${finished}: ${counted(Number(moved), 'connection')} moved, ${seconds} s.`,
    };
  if (action.endsWith('-failed'))
    return { tone: 'bad', text: `Release ${release} failed: ${why}.` };
  if (action.endsWith('-undone'))
    return { tone: 'bad', text: `Release ${release} was taken back.` };
  const beginnings: Readonly<Record<string, string>> = {
    deploy: `Release ${release} is deployed${who}, in place of ${from}.`,
    canary: `Release ${release} is tried out as a canary${who}, beside ${from}.`,
    switch: `Release ${release} is switched to${who}, from ${from}.`,
    rollback: `Release ${release} is gone back to${who}, from ${from}.`,
    boot: `Started after a reboot${who}.`,
    'drain-late': 'A hand-over did not end in time.',
    killed: 'An instance did not leave, and was killed.',
  };
  return { tone: 'plain', text: beginnings[action] ?? `${action}${who}` };
}
