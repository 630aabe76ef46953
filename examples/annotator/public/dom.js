/** Texts of users only ever become text nodes. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('aria-')) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

const shown = new WeakMap();

/**
 * Makes new children only if `data` differs from the last time. A push must not take away the button
 * somebody is just pressing, the list that is open, or the text that is being selected.
 */
export function fill(parent, data, makeChildren) {
  const key = JSON.stringify(data);
  if (shown.get(parent) === key) return;
  shown.set(parent, key);
  parent.replaceChildren(...makeChildren());
}

export const byId = (id) => document.getElementById(id);

/** Runs `act` with the fields of the form instead of leaving the page; empties the form if the answer is truthy. */
export function onSubmit(form, act) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (await act(new FormData(form))) form.reset();
  });
}
