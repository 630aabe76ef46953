/** Nothing is told by colour alone: every state has a shape and a word. */
import type { DifferenceClass, Outcome } from '../../../src/results/schema.js';
import { h, s } from './dom.js';

export type State =
  | Outcome
  | 'failed'
  | 'interrupted'
  | 'updated'
  | 'not-started'
  | 'truncated'
  | 'finished'
  | 'held'
  | 'broke'
  | 'not-run'
  | 'connected'
  | 'matched'
  | 'missing'
  | 'unexpected'
  | 'differs'
  | 'not-judged'
  | 'info'
  | 'warning'
  | 'error';

const paths: Record<string, string> = {
  check: 'M3 8.5 6.5 12 13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  unequal: 'M3 6h10M3 10h10M11 3 5 13',
  clock: 'M8 2a6 6 0 1 0 .01 0M8 4.8V8l2.4 1.6',
  plug: 'M1.5 8H5M11 8h3.5M5 5v6M11 5v6M7 6.5v3M9 6.5v3',
  cut: 'M1.5 8H6M10 8h4.5M9.5 3.5l-3 9',
  stop: 'M4 4h8v8H4z',
  skip: 'M4 3.5 9.5 8 4 12.5zM12 3.5v9',
  pause: 'M6 3.5v9M10 3.5v9',
  dash: 'M4 8h8',
  minus: 'M3.5 8h9',
  plus: 'M3.5 8h9M8 3.5v9',
  info: 'M8 7v5M8 3.8v.6',
  alert: 'M8 3.5v5.5M8 11.8v.6',
};

const shapes: Record<State, [shape: string, tone: 'good' | 'bad' | 'warn' | 'idle', word: string]> = {
  passed: ['check', 'good', 'passed'],
  finished: ['check', 'good', 'passed'],
  held: ['check', 'good', 'held'],
  broke: ['stop', 'warn', 'did not hold'],
  matched: ['check', 'good', 'matched'],
  connected: ['check', 'good', 'connected'],
  failed: ['cross', 'bad', 'failed'],
  mismatch: ['unequal', 'bad', 'mismatch'],
  differs: ['unequal', 'bad', 'differs'],
  rejected: ['cross', 'bad', 'rejected'],
  timeout: ['clock', 'bad', 'timeout'],
  missing: ['minus', 'bad', 'missing'],
  unexpected: ['plus', 'bad', 'not recorded'],
  'connect-failed': ['plug', 'bad', 'connect failed'],
  disconnected: ['cut', 'bad', 'disconnected'],
  aborted: ['stop', 'warn', 'aborted'],
  interrupted: ['pause', 'warn', 'interrupted'],
  updated: ['alert', 'warn', 'updated'],
  truncated: ['cut', 'warn', 'truncated'],
  skipped: ['skip', 'warn', 'skipped'],
  'not-started': ['stop', 'bad', 'not started'],
  'not-run': ['dash', 'idle', 'not run'],
  'not-judged': ['dash', 'idle', 'not judged'],
  info: ['info', 'idle', 'info'],
  warning: ['alert', 'warn', 'warning'],
  error: ['cross', 'bad', 'error'],
};

const svg = (shape: string): SVGElement =>
  s('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true', focusable: 'false' }, s('path', { d: paths[shape] ?? '' }));

export const wordOf = (state: State): string => shapes[state][2];

/** A shape and a word. */
export function badge(state: State, word?: string): HTMLElement {
  const [shape, tone, usual] = shapes[state];
  return h('span', { class: `badge ${tone}` }, svg(shape), h('span', null, word ?? usual));
}

export const bigIcon = (state: State): HTMLElement => h('span', { class: `big-icon ${shapes[state][1]}` }, svg(shapes[state][0]));

const classShapes: Record<DifferenceClass, string> = { removed: 'minus', type: 'alert', value: 'unequal', added: 'plus' };

export const classBadge = (kind: DifferenceClass): HTMLElement => h('span', { class: `badge class-${kind}` }, svg(classShapes[kind]), h('span', null, kind));
