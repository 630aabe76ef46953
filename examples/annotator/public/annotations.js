import { send } from './connection.js';
import { byId, element, fill, onSubmit } from './dom.js';

/**
 * One card per annotation. A card is kept when its rows change, so that nobody loses what they are typing
 * because somebody else's push arrives.
 */
const cards = new Map();

export function renderAnnotations(state) {
  const ids = new Set(state.annotations.keys());
  for (const [id, card] of cards) {
    if (ids.has(id)) continue;
    card.node.remove();
    cards.delete(id);
  }
  for (const annotation of state.annotations.values()) {
    let card = cards.get(annotation.id);
    if (!card) {
      card = makeCard(annotation.id, state);
      cards.set(annotation.id, card);
      byId('annotations').append(card.node);
    }
    card.update(annotation);
  }
}

function makeCard(id, state) {
  const text = element('p', { className: 'text' });
  const quote = element('p', { className: 'quote' });
  const by = element('p', { className: 'muted' });
  const comments = element('ul', { className: 'comments', 'aria-label': 'Thread' });
  const tag = element('select', {
    onchange: () =>
      send('appDataUpdate', { table: 'annotation', operation: 'assignTag', data: { id, tagId: tag.value ? Number(tag.value) : null } }).then(refresh),
  });
  const edit = editForm(id, () => state.annotations.get(id));
  const tools = element(
    'div',
    { className: 'tools' },
    element('label', {}, 'Tag ', tag),
    element('button', { type: 'button', textContent: 'Edit', onclick: () => edit.toggle() }),
    element('button', { type: 'button', textContent: 'Delete', onclick: () => send('annotationDelete', { annotationId: id }) }),
  );
  const node = element('article', { className: 'note' }, text, quote, by, tools, edit.form, comments, commentForm(id));
  // A refused choice jumps back to what the server knows.
  const refresh = () => state.annotations.has(id) && update(state.annotations.get(id));

  function update(annotation) {
    node.setAttribute('aria-label', `Annotation by ${annotation.userName}: ${annotation.text}`);
    text.textContent = annotation.text;
    quote.textContent = annotation.end > annotation.start ? state.document.body.slice(annotation.start, annotation.end) : '';
    quote.hidden = quote.textContent === '';
    by.textContent = [annotation.userName, annotation.label && `about “${annotation.label}”`, annotation.wordCount && `${annotation.wordCount} words`]
      .filter(Boolean)
      .join(' · ');
    const tags = [...state.tags.values()];
    fill(tag, tags, () => [
      element('option', { value: '', textContent: 'none' }),
      ...tags.map(({ id: value, name }) => element('option', { value: String(value), textContent: name })),
    ]);
    tag.value = annotation.tagId === null ? '' : String(annotation.tagId);
    const own = [...state.comments.values()].filter((comment) => comment.annotationId === id);
    fill(comments, own, () =>
      own.map((comment) =>
        element('li', {
          className: comment.private ? 'private' : '',
          textContent: `${comment.userName}: ${comment.text}${comment.private ? ' (private)' : ''}`,
        }),
      ),
    );
    comments.hidden = own.length === 0;
  }
  return { node, update };
}

function editForm(annotationId, current) {
  const input = element('input', { name: 'text', required: true, maxLength: 2000, autocomplete: 'off' });
  const form = element('form', { className: 'row', hidden: true, 'aria-label': 'Editing' });
  form.append(element('label', {}, 'New text', input), element('button', { textContent: 'Save' }));
  onSubmit(form, async (fields) => {
    const done = await send('annotationUpdate', { annotationId, text: fields.get('text') });
    form.hidden = true;
    return done;
  });
  const toggle = () => {
    form.hidden = !form.hidden;
    input.value = current()?.text ?? '';
    if (!form.hidden) input.focus();
  };
  return { form, toggle };
}

function commentForm(annotationId) {
  const form = element('form', { className: 'comment-form', 'aria-label': 'Reply' });
  form.append(
    element('label', {}, 'Comment text', element('input', { name: 'text', required: true, maxLength: 2000, autocomplete: 'off' })),
    element('label', { className: 'check' }, element('input', { name: 'private', type: 'checkbox' }), 'Private'),
    element('button', { textContent: 'Add comment' }),
  );
  onSubmit(form, (fields) => send('commentUpdate', { annotationId, text: fields.get('text'), private: fields.has('private') }));
  return form;
}
