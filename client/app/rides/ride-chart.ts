/** A ride second by second: power with its target, heart rate and cadence, one below the other, with one cursor for all. */
import UPlot from 'uplot';

import { element } from '../dom.ts';
import type { RideRecord } from '../export/ride-record.ts';
import { clockTime } from '../format.ts';

export interface RideChart {
  readonly root: HTMLElement;
  /** Fits the room there is; once when the chart is on the page, and again when that changes. */
  fit(): void;
}

type Column = readonly (number | null)[];

interface Line {
  readonly label: string;
  readonly unit: string;
  /** Name of the colour in the style sheet. */
  readonly colour: string;
  readonly values: Column;
  readonly isDashed?: boolean;
}

/** Between two marks of the clock: what people count in. The library's own steps would say 0:02, 0:05, 0:07. */
const markStepsS = [1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];

const heightPx = { first: 260, others: 150 };

export function rideChart({ seconds, isFree }: RideRecord): RideChart {
  const times = seconds.map(({ second }) => second);
  const power: Line[] = [
    line(
      'Power',
      'W',
      '--ink',
      seconds.map(({ powerW }) => powerW),
    ),
    ...(isFree ? [] : [targetLine(seconds)]),
  ];
  const heart = [
    line(
      'Heart rate',
      'bpm',
      '--bad',
      seconds.map((s) => s.heartRateBpm),
    ),
  ];
  const cadence = [
    line(
      'Cadence',
      'rpm',
      '--good',
      seconds.map((s) => s.cadenceRpm),
    ),
  ];
  const groups = [power, heart, cadence].filter((lines) =>
    lines.some(({ values }) => values.some((value) => value !== null)),
  );
  const root = element('div', { class: 'charts', role: 'img', 'aria-label': spoken(groups) });
  let charts: readonly UPlot[] = [];
  const fit = (): void => {
    const width = Math.floor(root.clientWidth);
    if (width === 0) return;
    if (charts.length === 0)
      charts = groups.map((lines, index) => {
        const height = index === 0 ? heightPx.first : heightPx.others;
        return chart(root, times, lines, { width, height });
      });
    else for (const drawn of charts) drawn.setSize({ width, height: drawn.height });
  };
  return { root, fit };
}

function targetLine(seconds: RideRecord['seconds']): Line {
  const values = seconds.map(({ targetW }) => targetW);
  return { ...line('Target', 'W', '--accent', values), isDashed: true };
}

function line(label: string, unit: string, colour: string, values: Column): Line {
  return { label, unit, colour, values };
}

function chart(
  root: HTMLElement,
  times: readonly number[],
  lines: readonly Line[],
  size: { readonly width: number; readonly height: number },
): UPlot {
  const colourOf = (name: string) => getComputedStyle(root).getPropertyValue(name).trim();
  const axis = { stroke: colourOf('--dim'), grid: { stroke: colourOf('--line'), width: 1 } };
  const options: UPlot.Options = {
    ...size,
    cursor: { sync: { key: 'ride' }, y: false },
    scales: { x: { time: false } },
    axes: [
      // As high as its figures are: what the library leaves below them looks like a gap in the page.
      {
        ...axis,
        ticks: { show: false },
        size: 30,
        incrs: [...markStepsS],
        values: (_chart, marks) => marks.map(clockTime),
      },
      { ...axis, ticks: { show: false }, size: 44 },
    ],
    series: [
      { label: 'Time', value: (_chart, second: number | null) => timeText(second) },
      ...lines.map(({ label, unit, colour, isDashed = false }) => ({
        label,
        stroke: colourOf(colour),
        width: 1.5,
        points: { show: false },
        ...(isDashed ? { dash: [6, 4] } : {}),
        value: (_chart: UPlot, value: number | null) => (value === null ? '–' : `${value} ${unit}`),
      })),
    ],
  };
  const data = [times, ...lines.map(({ values }) => values)].map((column) => [...column]);
  return new UPlot(options, data as UPlot.AlignedData, root);
}

function timeText(second: number | null): string {
  return second === null ? '–' : clockTime(second);
}

function spoken(groups: readonly (readonly Line[])[]): string {
  return `Course of ${groups.flatMap((lines) => lines.map(({ label }) => label.toLowerCase())).join(', ')}`;
}
