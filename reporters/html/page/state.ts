/** What is shown stands in the hash of the address, so that everything can be linked. */

export const views = ['tests', 'clients', 'traces'] as const;
export type View = (typeof views)[number];

export interface PageState {
  view: View;
  /** a project */
  project: string;
  /** `recording` or `recording/session` */
  session: string;
  /** a copy, or empty */
  copy: string;
  /** an outcome, or `failed` for all that did not pass */
  outcome: string;
  event: string;
  table: string;
  q: string;
  /** the trace that is open */
  trace: string;
}

export const initial: PageState = { view: 'tests', project: '', session: '', copy: '', outcome: '', event: '', table: '', q: '', trace: '' };
const keys = Object.keys(initial) as (keyof PageState)[];

function parseHash(hash: string): PageState {
  const state = { ...initial };
  for (const part of hash.replace(/^#/, '').split('&')) {
    const equals = part.indexOf('=');
    const key = keys.find((known) => known === part.slice(0, equals));
    if (!key) continue;
    const value = decode(part.slice(equals + 1));
    if (key !== 'view') state[key] = value;
    else state.view = views.find((view) => view === value) ?? 'tests';
  }
  return state;
}

export function formatHash(state: PageState): string {
  const parts = keys.filter((key) => state[key] !== initial[key]).map((key) => `${key}=${encode(state[key])}`);
  return parts.length > 0 ? `#${parts.join('&')}` : '';
}

const encode = (text: string): string => encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%40', '@');

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface Store {
  readonly state: PageState;
  /** A trace that is opened or a step down is a place to go back to; a filter is not. */
  update(patch: Partial<PageState>, back?: boolean): void;
}

export function createStore(changed: (state: PageState) => void): Store {
  let state = parseHash(location.hash);
  window.addEventListener('hashchange', () => {
    const next = parseHash(location.hash);
    if (formatHash(next) === formatHash(state)) return;
    state = next;
    changed(state);
  });
  return {
    get state() {
      return state;
    },
    update(patch, back = false) {
      const next = { ...state, ...patch };
      if (formatHash(next) === formatHash(state)) return;
      state = next;
      const url = formatHash(state) || '#';
      if (back) history.pushState(null, '', url);
      else history.replaceState(null, '', url);
      changed(state);
    },
  };
}
