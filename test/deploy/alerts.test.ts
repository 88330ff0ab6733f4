import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test, type TestContext } from 'vitest';

import { metricsOf } from '../../server/operations/metrics.ts';
import { figuresOfNobody } from '../support/figures-of-nobody.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { repository } from './shared-host.ts';

const read = (file: string): string => readFileSync(join(repository, file), 'utf8');
const rules = read('deploy/watch/alerts.yml');
const alerts = [...rules.matchAll(/^ {6}- alert: (\w+)$/gm)].map(([, name = '']) => name);
const runbook = read('deploy/README.md');
const dashboard = JSON.parse(read('deploy/watch/grafana.json')) as {
  panels: { title: string; targets?: { expr: string }[] }[];
};
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Series by minute, as promtool writes them, in which all is well for five hours. */
const wellSeries: Readonly<Record<string, string>> = {
  'up{job="trackstand", instance="a"}': '1x300',
  'up{job="trackstand", instance="b"}': '1x300',
  'up{job="trackstand", instance="spare"}': '0x300',
  'trackstand_info{release="one", instance="a"}': '1x300',
  'trackstand_info{release="one", instance="b"}': '1x300',
  'trackstand_checkpoint_lag_seconds{instance="a"}': '5x300',
  'trackstand_store_failures_total{store="postgres"}': '3x300',
  'trackstand_http_requests_total{status="2xx"}': '0+600x300',
  'trackstand_http_requests_total{status="5xx"}': '0+1x300',
  'trackstand_connections_closed_total{code="1006"}': '0+2x300',
  'trackstand_connections{instance="a"}': '100x300',
  'trackstand_event_loop_delay_p99_seconds{instance="a"}': '0.02x300',
  'trackstand_sessions_fenced_total{instance="a"}': '0x10 200x290',
  'trackstand_sessions_rebuilt_total{instance="a"}': '0x10 2x290',
  'process_resident_memory_bytes{job="trackstand", instance="a"}': '130000000x300',
  trackstand_backup_age_seconds: '40000x300',
};

/** What is different when an alert is due, and when it must have come. */
const trouble: Readonly<
  Record<string, readonly [after: string, Readonly<Record<string, string>>]>
> = {
  TrackstandDown: [
    '5m',
    {
      'up{job="trackstand", instance="a"}': '0x300',
      'up{job="trackstand", instance="b"}': '0x300',
    },
  ],
  TrackstandNotSaved: ['10m', { 'trackstand_checkpoint_lag_seconds{instance="a"}': '0+60x300' }],
  TrackstandStoreAway: ['10m', { 'trackstand_store_failures_total{store="postgres"}': '0+20x300' }],
  TrackstandErrors: ['15m', { 'trackstand_http_requests_total{status="5xx"}': '0+30x300' }],
  TrackstandBreaks: ['15m', { 'trackstand_connections_closed_total{code="1006"}': '0+30x300' }],
  TrackstandBusy: ['10m', { 'trackstand_event_loop_delay_p99_seconds{instance="a"}': '0.9x300' }],
  TrackstandOneInstance: ['15m', { 'up{job="trackstand", instance="b"}': '0x300' }],
  TrackstandTwoReleases: ['70m', { 'trackstand_info{release="two", instance="b"}': '1x300' }],
  TrackstandFenced: ['60m', { 'trackstand_sessions_fenced_total{instance="a"}': '0+10x300' }],
  TrackstandRebuilt: ['60m', { 'trackstand_sessions_rebuilt_total{instance="a"}': '0+5x300' }],
  TrackstandMemory: [
    '30m',
    { 'process_resident_memory_bytes{job="trackstand", instance="a"}': '290000000x300' },
  ],
  TrackstandBackupOld: ['4h', { trackstand_backup_age_seconds: '90000+60x300' }],
};

function needPromtool(context: TestContext): void {
  if (spawnSync('promtool', ['--version']).error !== undefined)
    context.skip('promtool is not installed: apt-get install prometheus');
}

/** How many alerts fire at that time, by promtool. Throws with what it says when it is another number. */
async function expectFiring(
  { name, count, after }: { name: string; count: number; after: string },
  series: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = await makePrivateFolder('alerts');
  onTestFinished(() => folder.remove());
  const input_series = Object.entries(series).map(([of, values]) => ({ series: of, values }));
  const expr = `count(ALERTS{alertname=~"${name}", alertstate="firing"})`;
  const exp_samples = count === 0 ? [] : [{ labels: '{}', value: count }];
  const promql_expr_test = [{ expr, eval_time: after, exp_samples }];
  // JSON is YAML.
  const file = join(folder.path, 'case.json');
  const tests = [{ interval: '1m', input_series, promql_expr_test }];
  const rule_files = [join(repository, 'deploy/watch/alerts.yml')];
  await writeFile(file, JSON.stringify({ rule_files, evaluation_interval: '1m', tests }));
  execFileSync('promtool', ['test', 'rules', file], { stdio: 'pipe' });
}

describe('alerts', () => {
  test('each has a place in the runbook, and every place its alert', () => {
    const places = [...runbook.matchAll(/^### (Trackstand\w+)$/gm)].map(([, name]) => name);
    expect(alerts.length).toBeGreaterThan(8);
    expect(places).toEqual(alerts);
    for (const name of alerts)
      expect(rules).toContain(`runbook: deploy/README.md#${name.toLowerCase()}\n`);
  });

  test('each has a case here', () => {
    expect(Object.keys(trouble)).toEqual(alerts);
  });

  test('none is raised while all is well', async (context) => {
    needPromtool(context);
    for (const after of ['20m', '2h', '5h'])
      await expectFiring({ name: '.+', count: 0, after }, wellSeries);
  });

  test.for(Object.entries(trouble))(
    '%s is raised when it must be',
    async ([name, [after, more]], context) => {
      needPromtool(context);
      await expectFiring({ name, count: 1, after }, { ...wellSeries, ...more });
    },
  );

  test('a backup that was never made is one that is missing', async (context) => {
    needPromtool(context);
    const { trackstand_backup_age_seconds: _, ...without } = wellSeries;
    await expectFiring({ name: 'TrackstandBackupOld', count: 1, after: '2h' }, without);
  });
});

describe('what alerts and the dashboard ask for', () => {
  const known = new Set(
    metricsOf(figuresOfNobody()).flatMap(({ name, samples }) => [
      name,
      ...samples.map(({ suffix = '' }) => `${name}${suffix}`),
    ]),
  );

  test('is there', () => {
    const asked = [
      ...`${rules} ${queries.join(' ')}`.matchAll(/\b(?:trackstand|process|nodejs)_[a-z0-9_]+/g),
    ];
    const names = asked.map(([name]) => name).filter((name) => name !== 'trackstand_');
    expect(names.length).toBeGreaterThan(30);
    expect([...new Set(names)].filter((name) => !known.has(name))).toEqual([]);
  });

  test('is what Prometheus understands, all of it', async (context) => {
    needPromtool(context);
    const folder = await makePrivateFolder('dashboard');
    onTestFinished(() => folder.remove());
    const file = join(folder.path, 'queries.json');
    const asRules = queries.map((expr, at) => ({
      record: `query_${at}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
    execFileSync('promtool', ['check', 'rules', file], { stdio: 'pipe' });
    const config = join(repository, 'deploy/watch/prometheus.yml');
    execFileSync('promtool', ['check', 'config', config], { stdio: 'pipe' });
  });

  test('every metric is on the dashboard or in an alert, or why is it counted', () => {
    const everything = `${rules} ${queries.join(' ')}`;
    const names = metricsOf(figuresOfNobody()).map(({ name }) => name);
    expect(names.filter((name) => !everything.includes(name))).toEqual([]);
  });
});
