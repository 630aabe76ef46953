import { renderAnnotations } from './annotations.js';
import { connect, send } from './connection.js';
import { byId, element, onSubmit } from './dom.js';
import { addToFeed, renderDocuments, renderTags, renderText, renderUploads, selectedRange, showMessage } from './view.js';

/** What the page knows, by id. Only acks of reading events and pushes change it. */
const state = {
  documents: new Map(),
  tags: new Map(),
  document: undefined,
  annotations: new Map(),
  comments: new Map(),
  uploads: new Map(),
};
let selection;

const keep = (map, rows) => {
  for (const row of rows) {
    if (row.deleted) map.delete(row.id);
    else map.set(row.id, row);
  }
};

function render() {
  renderDocuments([...state.documents.values()], state.document?.id, openDocument);
  renderTags([...state.tags.values()]);
  byId('document').hidden = byId('side').hidden = !state.document;
  byId('empty').hidden = Boolean(state.document);
  if (!state.document) return;
  byId('document-title').textContent = state.documents.get(state.document.id)?.title ?? state.document.title;
  renderText(state.document.body, [...state.annotations.values()]);
  renderAnnotations(state);
  renderUploads([...state.uploads.values()], download);
  renderSelection();
}

function renderSelection() {
  byId('selection').textContent = selection
    ? `About “${state.document.body.slice(selection.start, selection.end)}” (characters ${selection.start} to ${selection.end})`
    : 'About the whole document. Select text above to annotate a part of it.';
}

async function openDocument(documentId) {
  const before = state.document?.id;
  if (before && before !== documentId) await send('documentClose', { documentId: before });
  const opened = await send('documentOpen', { documentId });
  if (!opened) return;
  state.document = opened.document;
  for (const table of ['annotations', 'comments', 'uploads']) {
    state[table].clear();
    keep(state[table], opened[table]);
  }
  selection = undefined;
  byId('activity').replaceChildren();
  render();
}

async function download({ id }) {
  const answer = await send('uploadGet', { uploadId: id });
  if (!answer) return;
  const url = URL.createObjectURL(new Blob([answer.file]));
  element('a', { href: url, download: answer.name }).click();
  URL.revokeObjectURL(url);
}

/** A push about the open document; one about another may still be on its way when the user switches. */
const ofDocument = (map) => (rows) => {
  keep(
    map,
    rows.filter((row) => row.documentId === undefined || row.documentId === state.document?.id),
  );
  render();
};

const pushes = {
  documentRefresh: (rows) => {
    keep(state.documents, rows);
    render();
  },
  tagRefresh: (rows) => {
    keep(state.tags, rows);
    render();
  },
  annotationRefresh: ofDocument(state.annotations),
  commentRefresh: ofDocument(state.comments),
  uploadRefresh: ofDocument(state.uploads),
  activityRefresh: (rows) => {
    for (const row of rows) addToFeed('activity', row.summary);
  },
  notification: ({ from, text }) => addToFeed('notifications', `${from} commented on your annotation: ${text}`),
};

async function start(user) {
  byId('user-name').textContent = user.name;
  const documents = await send('documentList', {});
  if (documents) keep(state.documents, documents);
  await send('subscribe', { table: 'tag' });
  await send('subscribe', { table: 'document' });
  // After a lost connection the server has forgotten what was open.
  if (state.document) await openDocument(state.document.id);
  render();
}

function bindForms() {
  onSubmit(byId('annotate-form'), async (fields) => {
    const { start, end } = selection ?? { start: 0, end: 0 };
    const done = await send('annotationUpdate', { documentId: state.document.id, text: fields.get('text'), start, end });
    if (done) selection = undefined;
    renderSelection();
    return done;
  });
  onSubmit(byId('tag-form'), (fields) => send('tagCreate', { name: fields.get('name'), colour: fields.get('colour') }));
  onSubmit(byId('upload-form'), async (fields) => {
    const file = fields.get('file');
    return send('documentUpload', { documentId: state.document.id, name: file.name, file: await file.arrayBuffer() });
  });
  onSubmit(byId('rename-form'), (fields) =>
    send('appDataUpdate', { table: 'document', operation: 'rename', data: { id: state.document.id, title: fields.get('title') } }),
  );
  // Remembered, because the selection is gone as soon as the user types the annotation.
  document.addEventListener('selectionchange', () => {
    const range = state.document && selectedRange();
    if (!range) return;
    selection = range;
    renderSelection();
  });
}

const { user } = await (await fetch('/me')).json();
if (user) {
  byId('workspace').hidden = false;
  bindForms();
  connect(start, pushes);
} else {
  byId('login').hidden = false;
  byId('login-error').hidden = document.body.dataset.login !== 'failed';
  // After a failed login the address is /login, which cannot be reloaded.
  history.replaceState(null, '', '/');
}
showMessage('');
