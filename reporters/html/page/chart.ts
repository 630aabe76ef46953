/** Latency over the levels of scaling, as an SVG that is readable without colour: two line styles, two markers, labels at the points. */
import { milliseconds } from '../../../src/results/text.js';
import { s } from './dom.js';
import { type State, wordOf } from './icons.js';

export interface Level {
  project: string;
  iteration: number;
  state: State;
  clients: number | null;
  traces: number;
  failed: number;
  p50: number | null;
  p95: number | null;
  max: number | null;
}

const WIDTH = 620;
const HEIGHT = 250;
const LEFT = 58;
const RIGHT = 12;
const TOP = 34;
const BOTTOM = 60;

let charts = 0;

const isGood = ({ state }: Level): boolean => state === 'finished' || state === 'held';

export function chart(levels: readonly Level[], title = 'Latency by iteration'): SVGSVGElement {
  const hatch = `hatch${++charts}`;
  const column = (WIDTH - LEFT - RIGHT) / levels.length;
  const x = (i: number): number => LEFT + column * (i + 0.5);
  // Above a level that is not good stands what it is.
  const room = levels.every(isGood) ? 1.1 : 1.3;
  const highest = niceCeiling(Math.max(1, ...levels.map((level) => Math.max(level.p95 ?? 0, level.p50 ?? 0))) * room);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - TOP - BOTTOM);
  const summary = levels
    .map(
      (level) => `${level.project}: ${wordOf(level.state)}${level.p50 === null ? '' : `, p50 ${milliseconds(level.p50)}, p95 ${milliseconds(level.p95 ?? 0)}`}`,
    )
    .join('; ');
  const every = Math.ceil(levels.length / 12);
  return s(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', role: 'img', 'aria-label': `${title}. ${summary}` },
    s(
      'defs',
      null,
      s(
        'pattern',
        { id: hatch, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
        s('line', { x1: 0, y1: 0, x2: 0, y2: 6, class: 'hatch' }),
      ),
    ),
    [0, 0.5, 1].map((part) => [
      s('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(part * highest), y2: y(part * highest), class: 'grid' }),
      s('text', { x: LEFT - 8, y: y(part * highest) + 4, class: 'axis end' }, milliseconds(part * highest)),
    ]),
    levels.map((level, i) => background(level, LEFT + column * i, column, hatch)),
    line(levels, 'p95', x, y),
    line(levels, 'p50', x, y),
    levels.map((level, i) =>
      i % every === 0 || !isGood(level)
        ? [
            s('text', { x: x(i), y: HEIGHT - BOTTOM + 34, class: 'label' }, column < 70 ? String(level.iteration) : level.project),
            s('text', { x: x(i), y: HEIGHT - BOTTOM + 50, class: 'axis' }, under(level, column)),
          ]
        : null,
    ),
    s('line', { x1: LEFT, x2: LEFT + 26, y1: 14, y2: 14, class: 'p95' }),
    s('rect', { x: LEFT + 9, y: 10, width: 8, height: 8, class: 'p95' }),
    s('text', { x: LEFT + 34, y: 18, class: 'axis start' }, 'p95 latency'),
    s('line', { x1: LEFT + 120, x2: LEFT + 146, y1: 14, y2: 14, class: 'p50' }),
    s('circle', { cx: LEFT + 133, cy: 14, r: 4, class: 'p50' }),
    s('text', { x: LEFT + 154, y: 18, class: 'axis start' }, 'p50 latency'),
  );
}

const under = (level: Level, column: number): string => (level.clients === null ? '' : column < 70 ? String(level.clients) : `${level.clients} clients`);

/** A failed level is hatched and says so; one that did not run is an empty dashed box that says so. */
function background(level: Level, left: number, width: number, hatch: string): SVGElement | null {
  if (isGood(level)) return null;
  const ran = level.state !== 'not-run';
  const words = ran ? `${wordOf(level.state)}${level.failed > 0 && level.state !== 'broke' ? `: ${level.failed.toLocaleString('en')}` : ''}` : 'not run';
  return s(
    'g',
    null,
    s('rect', {
      x: left + 3,
      y: TOP - 4,
      width: width - 6,
      height: HEIGHT - TOP - BOTTOM + 4,
      rx: 6,
      class: ran ? 'level-failed' : 'level-not-run',
      fill: ran ? `url(#${hatch})` : 'none',
    }),
    s(
      'text',
      { x: left + width / 2, y: ran ? TOP + 13 : (HEIGHT - BOTTOM + TOP) / 2, class: ran ? 'level-word bad' : 'level-word' },
      width < 60 ? (ran ? '✕' : '–') : words,
    ),
  );
}

function line(levels: readonly Level[], which: 'p50' | 'p95', x: (i: number) => number, y: (value: number) => number): SVGElement[] {
  const points = levels.flatMap((level, i) => (level[which] === null ? [] : [{ x: x(i), y: y(level[which]), value: level[which] }]));
  const crowded = points.length > 8;
  return [
    s('polyline', { points: points.map((point) => `${point.x},${point.y}`).join(' '), class: which }),
    ...points.flatMap((point) => [
      which === 'p50'
        ? s('circle', { cx: point.x, cy: point.y, r: 4, class: which })
        : s('rect', { x: point.x - 4, y: point.y - 4, width: 8, height: 8, class: which }),
      ...(crowded ? [] : [s('text', { x: point.x, y: which === 'p50' ? point.y + 19 : point.y - 10, class: 'value' }, milliseconds(point.value))]),
    ]),
  ];
}

/** 1, 2, 4 or 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
