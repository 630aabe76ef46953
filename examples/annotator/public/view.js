import { byId, element, fill } from './dom.js';

export function showConnection(text) {
  byId('connection').textContent = text;
}

export function showMessage(text) {
  byId('messages').textContent = text;
  byId('messages').hidden = text === '';
}

export function addToFeed(id, text) {
  byId(id).prepend(element('li', { textContent: text }));
}

export function renderDocuments(documents, openId, onOpen) {
  fill(byId('documents'), [documents, openId], () =>
    documents.map(({ id, title }) =>
      element('li', {}, element('button', { type: 'button', textContent: title, 'aria-current': String(id === openId), onclick: () => onOpen(id) })),
    ),
  );
}

function tagChip(tag) {
  const chip = element('span', { className: 'chip', textContent: tag.name });
  chip.style.setProperty('--dot', tag.colour);
  return chip;
}

export function renderTags(tags) {
  fill(byId('tags'), tags, () => tags.map((tag) => element('li', {}, tagChip(tag))));
}

export function renderUploads(uploads, onDownload) {
  fill(byId('uploads'), uploads, () =>
    uploads.map((upload) =>
      element(
        'li',
        {},
        element('span', { textContent: `${upload.name} (${upload.size} bytes)` }),
        element('button', { type: 'button', textContent: 'Download', 'aria-label': `Download ${upload.name}`, onclick: () => onDownload(upload) }),
      ),
    ),
  );
}

/** The body cut at every border of an annotation; what at least one covers is marked. */
export function renderText(body, annotations) {
  const ranges = annotations.filter(({ start, end }) => end > start);
  const borders = new Set([0, body.length]);
  for (const { start, end } of ranges) borders.add(Math.min(start, body.length)).add(Math.min(end, body.length));
  const cuts = [...borders].sort((a, b) => a - b);
  const parts = cuts.slice(1).map((to, index) => {
    const from = cuts[index];
    const covered = ranges.some(({ start, end }) => start <= from && end >= to);
    return { name: covered ? 'mark' : 'span', textContent: body.slice(from, to) };
  });
  fill(byId('document-text'), parts, () => parts.map(({ name, textContent }) => element(name, { textContent })));
}

/** Selected characters of the document text as offsets, or undefined. */
export function selectedRange() {
  const selection = getSelection();
  const article = byId('document-text');
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return undefined;
  const range = selection.getRangeAt(0);
  if (!article.contains(range.startContainer) || !article.contains(range.endContainer)) return undefined;
  const before = document.createRange();
  before.setStart(article, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  return { start, end: start + range.toString().length };
}
