/** What runs where, for people and for scripts. */
import { lastAudits } from './audit-log.ts';
import { instancesIn, runDriver, see, type Place } from './instance.ts';
import { instanceAt, releaseOf, routeNames } from './routes.ts';

export interface InstanceReport {
  readonly instance: string;
  readonly release: string;
  /** Share of sessions routed to it, percent. */
  readonly share: number;
  readonly life: string | undefined;
  readonly ready: string;
  readonly connections: number | undefined;
  readonly sessions: number | undefined;
  readonly residentBytes: number | undefined;
}

export interface StatusReport {
  readonly instances: readonly InstanceReport[];
  readonly routes: Readonly<Record<string, string | undefined>>;
  readonly audit: readonly unknown[];
}

export async function report(place: Place, auditFile: string): Promise<StatusReport> {
  const links = await Promise.all(
    routeNames.map(async (route) => [route, await instanceAt(place.runFolder, route)] as const),
  );
  const names = new Set([
    ...(await instancesIn(place)),
    ...links.map(([, instance]) => instance).filter((instance) => instance !== undefined),
  ]);
  const instances = await Promise.all(
    [...names].toSorted().map(async (instance): Promise<InstanceReport> => {
      const seen = await see(place, instance);
      const resident = Number(await runDriver(place, 'rss', instance));
      const routed = links.filter(([, target]) => target === instance).length;
      return {
        instance,
        release: releaseOf(instance),
        share: (100 * routed) / routeNames.length,
        life: seen.life,
        ready: seen.ready?.status ?? 'no answer',
        connections: seen.connections,
        sessions: seen.sessions,
        residentBytes: Number.isFinite(resident) && resident > 0 ? resident : undefined,
      };
    }),
  );
  return { instances, routes: Object.fromEntries(links), audit: await lastAudits(auditFile, 5) };
}

export function asTable({ instances, audit }: StatusReport): string {
  const head = ['instance', 'share', 'state', 'connections', 'sessions', 'memory', 'process'];
  const rows = instances.map(
    ({ instance, share, ready, connections, sessions, residentBytes, life }) => [
      instance,
      `${share} %`,
      ready,
      String(connections ?? '-'),
      String(sessions ?? '-'),
      residentBytes === undefined ? '-' : `${Math.round(residentBytes / 2 ** 20)} MB`,
      life ?? 'not running',
    ],
  );
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...audit.map((entry) => JSON.stringify(entry))].join('\n');
}
