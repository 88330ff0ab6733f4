/** A plan and what was ridden of it as shapes in a box of 1000 by 100. Pure; `profile-picture.ts` draws them. */
import { planDurationS, type Plan, type PlanSegment } from '../../shared/workout/plan.ts';
import { traceMeansW, type PowerTrace } from '../../shared/workout/power-trace.ts';
import { zoneBounds, zoneOf, type Zone } from './zones.ts';

export const boxWidth = 1000;
export const boxHeight = 100;

/** What the box spans. */
export interface GraphScale {
  readonly endS: number;
  /** Fraction of FTP at the upper edge. */
  readonly topFraction: number;
}

/** What there is to draw without a plan. */
export interface RiddenGraph {
  readonly trace: PowerTrace;
  readonly ftpW: number;
  readonly positionS: number;
  readonly isOver: boolean;
}

/** One coloured area, as the `d` of a path. */
export interface ProfileShape {
  readonly zone: Zone | 'free';
  readonly d: string;
}

/** Height of a free segment: it asks for nothing, but there is something to ride. */
const freeFraction = 0.45;
/** The line of FTP and some air above it are always in the picture, so that an easy plan looks easy. */
const topFractionMin = 1.15;

/** The scale of a plan of which `positionS` has been reached: who rides on after the end keeps a graph. */
export function graphScale(plan: Plan, positionS = 0): GraphScale {
  const peak = Math.max(...plan.segments.map(peakFraction));
  return {
    endS: Math.max(planDurationS(plan), positionS),
    topFraction: Math.max(topFractionMin, peak * 1.08),
  };
}

/** What a ride without a plan has room for at first, seconds, and how much more each time it is filled. */
const windowS = 600;

/** The scale of a ride without a plan: it grows as the ride does, in steps, and ends with it. */
export function freeScale(ridden: RiddenGraph): GraphScale {
  const { trace, ftpW, positionS, isOver } = ridden;
  const peakW = traceMeansW(trace).reduce<number>((most, powerW) => Math.max(most, powerW ?? 0), 0);
  return {
    endS: isOver ? Math.max(1, positionS) : (Math.floor(positionS / windowS) + 1) * windowS,
    topFraction: Math.max(topFractionMin, (peakW / ftpW) * 1.08),
  };
}

/** The plan's areas in order. A ramp is one area per zone it passes. */
export function profileShapes(plan: Plan, scale: GraphScale): ProfileShape[] {
  const shapes: ProfileShape[] = [];
  let startS = 0;
  for (const segment of plan.segments) {
    for (const piece of pieces(segment)) shapes.push(area(piece, startS, scale));
    startS += segment.durationS;
  }
  return shapes;
}

/** The ridden power as the `d` of a path; it is interrupted where nothing was measured. */
export function tracePath(trace: PowerTrace, ftpW: number, scale: GraphScale): string {
  let d = '';
  let isDrawing = false;
  for (const [index, powerW] of traceMeansW(trace).entries()) {
    if (powerW === null) {
      isDrawing = false;
      continue;
    }
    const x = xAt((index + 0.5) * trace.bucketS, scale);
    d += `${isDrawing ? 'L' : 'M'}${place(x)} ${place(yAt(powerW / ftpW, scale))}`;
    isDrawing = true;
  }
  return d;
}

/** From the left edge, 0 to 1000. */
export function xAt(positionS: number, { endS }: GraphScale): number {
  return (Math.min(Math.max(positionS, 0), endS) / endS) * boxWidth;
}

/** From the upper edge, 0 to 100. */
export function yAt(fraction: number, { topFraction }: GraphScale): number {
  return boxHeight - (Math.min(Math.max(fraction, 0), topFraction) / topFraction) * boxHeight;
}

/** A part of a segment within one zone; times count from the segment's start. */
interface Piece {
  readonly zone: Zone | 'free';
  readonly fromS: number;
  readonly toS: number;
  readonly fromFraction: number;
  readonly toFraction: number;
}

function pieces(segment: PlanSegment): Piece[] {
  const { durationS } = segment;
  switch (segment.kind) {
    case 'steady':
      return [level(segment.fraction, durationS, zoneOf(segment.fraction))];
    case 'free':
      return [level(freeFraction, durationS, 'free')];
    case 'ramp':
      return rampPieces(segment.fromFraction, segment.toFraction, durationS);
  }
}

function level(fraction: number, toS: number, zone: Piece['zone']): Piece {
  return { zone, fromS: 0, toS, fromFraction: fraction, toFraction: fraction };
}

function rampPieces(from: number, to: number, durationS: number): Piece[] {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const crossed = zoneBounds.filter((bound) => bound > low && bound < high);
  const stops = [from, ...(from <= to ? crossed : crossed.toReversed()), to];
  const atS = (fraction: number): number => ((fraction - from) / (to - from || 1)) * durationS;
  return stops.slice(1).map((toFraction, index) => {
    const fromFraction = stops[index] ?? from;
    const zone = zoneOf((fromFraction + toFraction) / 2);
    const isLast = index === stops.length - 2;
    const toS = isLast ? durationS : atS(toFraction);
    return { zone, fromS: atS(fromFraction), toS, fromFraction, toFraction };
  });
}

function area(piece: Piece, startS: number, scale: GraphScale): ProfileShape {
  const left = place(xAt(startS + piece.fromS, scale));
  const right = place(xAt(startS + piece.toS, scale));
  const [from, to] = [yAt(piece.fromFraction, scale), yAt(piece.toFraction, scale)].map(place);
  return { zone: piece.zone, d: `M${left} ${boxHeight}V${from}L${right} ${to}V${boxHeight}Z` };
}

function peakFraction(segment: PlanSegment): number {
  switch (segment.kind) {
    case 'steady':
      return segment.fraction;
    case 'ramp':
      return Math.max(segment.fromFraction, segment.toFraction);
    case 'free':
      return freeFraction;
  }
}

/** Hundredths of the box's unit are below a screen's pixel. */
const place = (value: number): string => String(Math.round(value * 100) / 100);
