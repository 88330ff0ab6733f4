/** The operators' page: every instance, what is to be looked at, and the latest deploys. It looks again by itself. */
import type { Clock } from '../../../shared/clock.ts';
import type { AccountClient } from '../account-client.ts';
import { AccountError } from '../account-requests.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { readServiceReport, type InstanceReport, type ServiceReport } from './service-report.ts';
import {
  counted,
  deploySentence,
  isSilent,
  lasting,
  summaryOf,
  troublesOf,
} from './service-text.ts';

export interface OperatorScreenParts {
  readonly client: AccountClient;
  readonly clock: Clock;
  readonly leave: () => void;
}

/** Instances say how they are every ten seconds. */
const lookMs = 5_000;

const notAnOperator = 'This account is not an operator’s.';

export function showOperator(parts: OperatorScreenParts): void {
  const { client, clock, leave } = parts;
  const told = element('p', { class: 'hint', role: 'status' }, ['One moment…']);
  const body = element('div', { class: 'service' });
  const screen = element('main', { class: 'operator' }, [
    element('p', { class: 'wordmark' }, ['Trackstand']),
    element('h1', {}, ['The service']),
    told,
    body,
    element('nav', { class: 'ways' }, [button({ class: 'way' }, ['Back'], leave)]),
  ]);
  showScreen(screen);
  const look = async (): Promise<void> => {
    try {
      const report = readServiceReport(await client.service());
      const troubles = troublesOf(report);
      setText(told, summaryOf(report));
      body.classList.remove('stale');
      told.dataset['tone'] = troubles.length === 0 ? 'good' : 'plain';
      body.replaceChildren(...contentOf(report, troubles));
    } catch (error) {
      delete told.dataset['tone'];
      body.classList.add('stale');
      setText(told, sentenceOf(error));
      // Nobody becomes an operator while the page is open.
      if (error instanceof AccountError && error.code === 'not-found') return;
    }
    clock.after(lookMs, () => {
      if (screen.isConnected) void look();
    });
  };
  void look();
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof AccountError)) return 'The service answered something else than expected.';
  return error.code === 'not-found' ? notAnOperator : error.message;
}

function contentOf(report: ServiceReport, troubles: readonly string[]): HTMLElement[] {
  return [
    ...(troubles.length === 0
      ? []
      : [
          listOf(
            'troubles',
            troubles.map((text) => [text]),
          ),
        ]),
    element(
      'section',
      { class: 'instances', 'aria-label': 'Instances' },
      report.instances.map(instanceCard),
    ),
    section('Latest deploys', deploysOf(report)),
    section('Backup', [
      element('p', { class: 'dim' }, [
        report.backupAgeMs === undefined
          ? 'None was made, or none could be verified.'
          : `The latest one was made and verified ${lasting(report.backupAgeMs)} ago.`,
      ]),
    ]),
  ];
}

function instanceCard(instance: InstanceReport): HTMLElement {
  const { place, release, isHere, phase, silentMs } = instance;
  const silent = isSilent(instance);
  const state = silent ? `silent for ${lasting(silentMs)}` : phase;
  const tone = silent ? 'bad' : phase === 'ready' ? 'good' : 'busy';
  return element('article', { class: 'instance', 'data-tone': tone }, [
    element('header', {}, [
      element('h2', {}, [place]),
      element('span', { class: 'state' }, [state]),
    ]),
    element('p', { class: 'dim' }, [
      `Release ${release}, up ${lasting(instance.upMs)}${isHere ? ', asked here' : ''}`,
    ]),
    element(
      'dl',
      {},
      figuresOf(instance).map(([name, value, isBad]) =>
        element('div', isBad ? { class: 'bad' } : {}, [
          element('dt', {}, [name]),
          element('dd', {}, [value]),
        ]),
      ),
    ),
  ]);
}

function figuresOf(
  instance: InstanceReport,
): readonly (readonly [name: string, value: string, isBad?: boolean])[] {
  const { unsavedSessions, checkpointLagMs, loopDelayMs, postgres, redis } = instance;
  return [
    ['Sessions', instance.sessions.toLocaleString('en')],
    ['Connections', instance.connections.toLocaleString('en')],
    [
      'Waits to be saved',
      unsavedSessions === 0
        ? 'nothing'
        : `${counted(unsavedSessions, 'ride')}, ${lasting(checkpointLagMs)}`,
      checkpointLagMs > 60_000,
    ],
    ['Commands wait', lasting(loopDelayMs), loopDelayMs > 500],
    ['Memory', `${Math.round(instance.residentBytes / 1e6)} MB`],
    ['Postgres', postgres, postgres === 'away'],
    ['Redis', redis, redis === 'away'],
  ];
}

function deploysOf({ deploys, nowMs }: ServiceReport): HTMLElement[] {
  if (deploys === undefined)
    return [element('p', { class: 'dim' }, ['DEPLOY_LOG does not say where rolling.sh writes.'])];
  if (deploys.length === 0) return [element('p', { class: 'dim' }, ['None yet.'])];
  const rows = deploys.map((note) => {
    const { text, tone } = deploySentence(note);
    const time = element('time', { datetime: new Date(note.atMs).toISOString() }, [
      `${lasting(Math.max(0, nowMs - note.atMs))} ago`,
    ]);
    return [element('span', { 'data-tone': tone }, [text]), time] as const;
  });
  return [listOf('deploys', rows)];
}

function section(title: string, content: readonly HTMLElement[]): HTMLElement {
  return element('section', {}, [element('h2', {}, [title]), ...content]);
}

function listOf(name: string, rows: readonly (readonly (HTMLElement | string)[])[]): HTMLElement {
  return element(
    'ul',
    { class: name },
    rows.map((row) => element('li', {}, [...row])),
  );
}
