/** Draws a profile as SVG. Sizes come from the style sheet: the box stretches to whatever it is given. */
import type { Plan } from '../../shared/workout/plan.ts';
import { planDurationS } from '../../shared/workout/plan.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { element, setText } from './dom.ts';
import { clockTime, spokenTime } from './format.ts';
import {
  boxHeight,
  boxWidth,
  freeScale,
  graphScale,
  profileShapes,
  tracePath,
  xAt,
  yAt,
} from './profile-graph.ts';
import type { GraphScale } from './profile-graph.ts';

const svgNamespace = 'http://www.w3.org/2000/svg';

export interface ProfileGraph {
  readonly root: HTMLElement;
  /** Draws what was ridden, up to a position. */
  show(state: WorkoutState, positionS: number): void;
}

/** A still picture of a plan, for the eyes only: the words beside it say the same. */
export function profilePicture(plan: Plan): SVGSVGElement {
  const picture = stillPicture();
  picture.append(...areas(plan, graphScale(plan)));
  return picture;
}

/** A road that goes up and down, for a ride that has no profile. */
export function roadPicture(): SVGSVGElement {
  const picture = stillPicture();
  const d = `M0 ${boxHeight}V72C120 72 160 38 300 38S470 66 570 62S740 14 850 14S960 40 1000 44V${boxHeight}Z`;
  picture.append(svg('path', { class: 'zone-2', d }));
  return picture;
}

function stillPicture(): SVGSVGElement {
  return svg('svg', {
    viewBox: `0 0 ${boxWidth} ${boxHeight}`,
    preserveAspectRatio: 'none',
    class: 'profile',
    'aria-hidden': 'true',
  });
}

/** The graph of a ride: the plan if there is one, the ridden trace, a marker, the line of FTP, and times below. */
export function profileGraph({ plan, ftpW, brake }: WorkoutState): ProfileGraph {
  const isFree = brake !== undefined;
  const picture = svg('svg', {
    viewBox: `0 0 ${boxWidth} ${boxHeight}`,
    preserveAspectRatio: 'none',
    class: 'profile',
    role: 'img',
    'aria-label': isFree
      ? 'Power so far'
      : `Profile of ${plan.name}, ${spokenTime(planDurationS(plan))}`,
  });
  const shapes = svg('g', {});
  const past = svg('rect', { class: 'past', x: '0', y: '0', height: String(boxHeight) });
  const ftpLine = svg('line', { class: 'ftp-line', x1: '0', x2: String(boxWidth) });
  const trace = svg('path', { class: 'trace' });
  const marker = svg('line', { class: 'marker', y1: '0', y2: String(boxHeight) });
  picture.append(shapes, past, ftpLine, trace, marker);
  const ftpLabel = element('span', { class: 'ftp-label', 'aria-hidden': 'true' }, [`FTP ${ftpW}`]);
  const end = element('span');
  const axis = element('div', { class: 'axis', 'aria-hidden': 'true' }, [
    element('span', {}, ['0:00']),
    end,
  ]);
  const frame = element('div', { class: 'graph' }, [ftpLabel]);
  frame.prepend(picture);
  let drawn: GraphScale | undefined;
  const rescale = (scale: GraphScale): void => {
    drawn = scale;
    if (!isFree) shapes.replaceChildren(...areas(plan, scale));
    const ftpY = String(yAt(1, scale));
    ftpLine.setAttribute('y1', ftpY);
    ftpLine.setAttribute('y2', ftpY);
    ftpLabel.style.setProperty('top', `${ftpY}%`);
    setText(end, clockTime(scale.endS));
  };
  const show = (state: WorkoutState, positionS: number): void => {
    const scale = isFree
      ? freeScale({ ...state, positionS, isOver: state.phase === 'finished' })
      : graphScale(plan, Math.floor(positionS));
    if (scale.endS !== drawn?.endS || scale.topFraction !== drawn.topFraction) rescale(scale);
    const x = String(xAt(positionS, scale));
    past.setAttribute('width', x);
    marker.setAttribute('x1', x);
    marker.setAttribute('x2', x);
    trace.setAttribute('d', tracePath(state.trace, ftpW, scale));
  };
  return { root: element('figure', { class: 'profile-figure' }, [frame, axis]), show };
}

function areas(plan: Plan, scale: GraphScale): SVGElement[] {
  return profileShapes(plan, scale).map(({ zone, d }) => svg('path', { class: `zone-${zone}`, d }));
}

function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>>,
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
