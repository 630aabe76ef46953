/**
 * The only way in which this page makes elements. Every string becomes a text node or an attribute value, with invisible
 * characters written out: nothing that an application sent can become markup.
 */
import { visible } from '../../../src/results/text.js';

export type Child = Node | string | number | null | undefined | false | Child[];
type Handler = (event: never) => void;
export type Props = Record<string, string | number | boolean | null | undefined | Handler>;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props | null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  set(element, props);
  append(element, children);
  return element;
}

export function s<K extends keyof SVGElementTagNameMap>(tag: K, props: Props | null, ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(element, props);
  append(element, children);
  return element;
}

function set(element: Element, props: Props | null): void {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2).toLowerCase(), value as unknown as EventListener);
    else element.setAttribute(name, value === true ? '' : visible(String(value)));
  }
}

function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : visible(String(child)));
  }
}

export const replace = (element: Element, ...children: Child[]): void => {
  element.replaceChildren();
  append(element, children);
};

/** A text from an application: kept apart, so that a direction of its own does not reorder what stands around it. */
export const payload = (text: string, className = ''): HTMLElement => h('bdi', { class: `payload ${className}`.trim() }, text);

/** A long text behind a button. */
export function long(text: string, limit = 240, className = ''): HTMLElement {
  if (text.length <= limit) return payload(text, className);
  const shown = payload(`${text.slice(0, limit)}…`, className);
  const button = h(
    'button',
    {
      type: 'button',
      class: 'link',
      onClick: () => {
        shown.textContent = visible(text);
        button.remove();
      },
    },
    `show all ${text.length.toLocaleString('en')} characters`,
  );
  return h('span', null, shown, ' ', button);
}

export function copyButton(text: string, label = 'Copy', what = text): HTMLButtonElement {
  const status = h('span', { 'aria-live': 'polite' }, label);
  const button = h('button', { type: 'button', class: 'button small', 'aria-label': `${label}: ${what}` }, status);
  button.addEventListener('click', () => {
    void copy(text).then((done) => {
      status.textContent = done ? 'Copied' : 'Not copied';
      setTimeout(() => {
        status.textContent = label;
      }, 1500);
    });
  });
  return button;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No permission, or no secure context: the old way still works on a selection.
    const area = h('textarea', { class: 'offscreen', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

export const command = (text: string): HTMLElement => h('div', { class: 'command' }, h('code', null, text), copyButton(text));
