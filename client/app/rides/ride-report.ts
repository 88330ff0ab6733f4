/** What is told of a ride once it is over: planned against ridden, what happened, its course, and its files. */
import { element } from '../dom.ts';
import { downloadRow } from '../download-row.ts';
import type { RideRecord } from '../export/ride-record.ts';
import { clockTime, nothing, percent, whole } from '../format.ts';
import { sendRow, type SendRowParts } from '../intervals/send-row.ts';
import { riddenIntervals, type RiddenInterval } from './intervals.ts';
import { recordOf, serialOf, type KeptRide } from './kept-ride.ts';
import { rideChart } from './ride-chart.ts';
import { timeline, type TimelineRow } from './timeline.ts';

/** The sections of the report, for a ride that was begun; of one whose summary alone is here there is little. */
export function rideReport(ride: KeptRide, sending: SendRowParts): readonly HTMLElement[] {
  const { state, incidents, sessionId } = ride;
  const record = recordOf(ride);
  const rows = timeline(state, record?.changes ?? [], incidents);
  const happened = section('What happened', timelineList(rows));
  if (record === null) return [happened];
  const known = record.seconds.length === 0 ? [] : recordSections(record);
  const files = downloadRow(record, serialOf(sessionId));
  return [...known, happened, files, ...sendRow(ride, record, sending)];
}

function recordSections(record: RideRecord): readonly HTMLElement[] {
  const chart = rideChart(record);
  // It is drawn when it has a width: when it has come onto the page.
  new ResizeObserver(() => chart.fit()).observe(chart.root);
  const course = section('Second by second', chart.root);
  if (record.isFree) return [course];
  const table = intervalTable(riddenIntervals(record));
  return [course, section('Planned and ridden', table)];
}

function section(title: string, content: HTMLElement): HTMLElement {
  return element('section', { class: 'report' }, [element('h2', {}, [title]), content]);
}

function intervalTable(intervals: readonly RiddenInterval[]): HTMLElement {
  const titles = ['Interval', 'Time', 'Planned', 'Ridden', 'Part', 'Cadence', 'Heart rate'];
  const lastRidden = intervals.findLastIndex(({ riddenS }) => riddenS > 0);
  const rows = intervals
    .slice(0, lastRidden + 1)
    .map((interval) =>
      row('td', [
        String(interval.index + 1),
        timeOf(interval),
        interval.riddenS > 0 && interval.targetW === null ? 'free' : whole(interval.targetW),
        whole(interval.powerW),
        interval.share === null ? nothing : percent(interval.share),
        cadenceOf(interval),
        whole(interval.heartRateBpm),
      ]),
    );
  const leftOut = intervals.length - rows.length;
  const table = element('table', { class: 'intervals' }, [
    element('thead', {}, [row('th', titles)]),
    element('tbody', {}, rows),
  ]);
  // A narrow screen scrolls the table and not the page; the keyboard has to reach it for that.
  return element(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Planned and ridden' },
    leftOut === 0 ? [table] : [table, element('p', { class: 'dim' }, [leftOutText(leftOut)])],
  );
}

function leftOutText(count: number): string {
  return count === 1
    ? 'The last interval was not ridden.'
    : `The last ${count} intervals were not ridden.`;
}

function timeOf({ riddenS, plannedS }: RiddenInterval): string {
  if (riddenS === 0) return 'left out';
  return riddenS === plannedS
    ? clockTime(riddenS)
    : `${clockTime(riddenS)} of ${clockTime(plannedS)}`;
}

function cadenceOf({ cadenceRpm, plannedCadenceRpm }: RiddenInterval): string {
  return plannedCadenceRpm === null
    ? whole(cadenceRpm)
    : `${whole(cadenceRpm)} of ${plannedCadenceRpm}`;
}

function timelineList(rows: readonly TimelineRow[]): HTMLElement {
  return element(
    'ol',
    { class: 'timeline' },
    rows.map(({ atS, text, isTrouble }) =>
      element('li', isTrouble ? { class: 'trouble' } : {}, [
        element('span', { class: 'dim' }, [clockTime(atS)]),
        element('span', {}, [text]),
      ]),
    ),
  );
}

function row(cell: 'td' | 'th', texts: readonly string[]): HTMLElement {
  const scope = cell === 'th' ? { scope: 'col' } : {};
  return element(
    'tr',
    {},
    texts.map((text) => element(cell, scope, [text])),
  );
}
