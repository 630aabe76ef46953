/* global io */
import { showConnection, showMessage } from './view.js';

const ACK_TIMEOUT_MS = 5000;
let socket;
let clicks = 0;
let keys = 0;

/** Connects with the session cookie. `onReady` runs at every (re)connection, once the server has its handlers. */
export function connect(onReady, pushes) {
  socket = io();
  socket.on('connect_error', (error) => showConnection(`not connected: ${error.message}`));
  socket.on('disconnect', () => showConnection('connection lost'));
  socket.on('ready', ({ user }) => {
    showConnection('connected');
    onReady(user);
  });
  for (const [event, receive] of Object.entries(pushes)) socket.on(event, receive);
  document.addEventListener('click', () => clicks++, true);
  document.addEventListener('keydown', () => keys++, true);
}

/** Sends and waits for the ack; a rejection becomes a visible message and the answer undefined. */
export async function send(event, payload) {
  showMessage('');
  try {
    const answer = await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, payload);
    if (answer.success) return answer.data ?? true;
    showMessage(answer.message);
  } catch {
    showMessage(`The server did not answer to ${event}.`);
  } finally {
    sendStatistic();
  }
  return undefined;
}

/** How much was clicked and typed since the last time. Nobody waits for it. */
function sendStatistic() {
  if (clicks + keys === 0) return;
  socket.emit('statistic', { clicks, keys });
  clicks = 0;
  keys = 0;
}
