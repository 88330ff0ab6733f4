/** Lines over a common axis, as SVG that needs nothing. */
import { rounded, type Chart } from './result.ts';

const [width, height] = [720, 300];
const [left, right, top, bottom] = [70, 190, 30, 40];
const colours = ['#2f6fde', '#d9822b', '#3a9b6a', '#a352c4', '#7a7a7a'];

export function drawChart({ title, x, y, lines }: Chart): string {
  const all = lines.flatMap(({ points }) => points);
  const xMax = Math.max(...all.map(([at]) => at), 1);
  const yMax = Math.max(...all.map(([, value]) => value), 1e-9) * 1.05;
  const atX = (value: number): number => left + (value / xMax) * (width - left - right);
  const atY = (value: number): number => height - bottom - (value / yMax) * (height - top - bottom);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const value = yMax * share;
    return `<line x1="${left}" x2="${width - right}" y1="${atY(value)}" y2="${atY(value)}" stroke="#8884"/>${text(left - 8, atY(value) + 4, asText(value), 'end')}`;
  });
  const ticks = [...new Set(all.map(([at]) => at))]
    .filter((_, place, some) => some.length <= 8 || place % Math.ceil(some.length / 8) === 0)
    .map((at) => text(atX(at), height - bottom + 18, asText(at), 'middle'));
  const drawn = lines.map(({ name, points }, place) => {
    const colour = colours[place % colours.length] ?? 'gray';
    const path = points
      .map(([at, value]) => `${atX(at).toFixed(1)},${atY(value).toFixed(1)}`)
      .join(' ');
    const dots =
      points.length > 40
        ? ''
        : points
            .map(
              ([at, value]) =>
                `<circle cx="${atX(at).toFixed(1)}" cy="${atY(value).toFixed(1)}" r="3" fill="${colour}"/>`,
            )
            .join('');
    const label = `<text x="${width - right + 10}" y="${top + 18 * place + 10}" fill="${colour}">${name}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}${label}`;
  });
  const axes = text((left + width - right) / 2, height - 6, x, 'middle');
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${title}" font-size="12" fill="currentColor">${text(left, 16, `${title}, ${y}`, 'start')}${grid.join('')}${ticks.join('')}${axes}${drawn.join('')}</svg>`;
}

const asText = (value: number): string => rounded(value).toLocaleString('en');

const text = (x: number, y: number, words: string, anchor: string): string =>
  `<text x="${x}" y="${y.toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
