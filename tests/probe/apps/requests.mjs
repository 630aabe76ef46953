// What applications do with requests and answers, and what they can tell of them. Knows nothing of the probe.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { Server } from 'socket.io';

const json = { 'content-type': 'application/json' };
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
/** What can be seen of an object from outside. */
const looks = (object) => ({
  keys: Object.keys(object).filter((key) => !key.startsWith('_')),
  listeners: Object.fromEntries(object.eventNames().map((name) => [String(name), object.listenerCount(name)])),
  flowing: object.readableFlowing,
});

const app = express();
app.get('/express', (request, response) => response.json({ looks: [looks(request), looks(response)], query: request.query }));
app.post('/express', express.json({ limit: '20mb' }), (request, response) => response.status(201).json({ got: hash(JSON.stringify(request.body)) }));

const plain = {
  '/looks': (request, response) => response.end(JSON.stringify([looks(request), looks(response)])),
  async '/echo'(request, response) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    // The application's own bytes: what it does with them afterwards is its own.
    for (const piece of pieces) piece.fill(0);
    response.writeHead(200, [['Content-Type', request.headers['content-type'] ?? 'text/plain']].flat());
    response.end(body);
    setImmediate(() => body.fill(0));
  },
  async '/slowly'(request, response) {
    let size = 0;
    request.on('data', (piece) => {
      size += piece.length;
      request.pause();
      setTimeout(() => request.resume(), 1);
    });
    request.on('end', () => response.end(JSON.stringify({ size, complete: request.complete })));
  },
  '/unread': (_, response) => response.writeHead(413, json).end('{"error":"too large"}'),
  '/pieces'(_, response) {
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    const mark = Buffer.from('"x",');
    const told = [
      response.write('[', 'latin1'),
      response.write(mark, () => mark.fill(63)),
      response.write('22c3bc22', 'hex'),
      response.write(new Uint8Array([44])),
    ];
    setTimeout(() => response.end(JSON.stringify(told.length), 'utf8', () => response.emit('told')), 5);
    response.once('finish', () => undefined);
    response.end = (
      (end) =>
      (chunk, ...rest) =>
        end.call(response, `${chunk}]`, ...rest)
    )(response.end);
  },
  '/packed'(_, response) {
    const packed = gzipSync('{"packed":true}');
    response.writeHead(200, { ...json, 'content-encoding': 'gzip', 'content-length': packed.length });
    response.write(packed.subarray(0, 5));
    response.end(packed.subarray(5));
  },
  '/file': (_, response) => pipeline(createReadStream(new URL(import.meta.url)), response.setHeader('content-type', 'text/plain'), () => undefined),
  '/nothing': (_, response) => response.writeHead(204, json).end('{"never":"sent"}'),
  '/twice'(_, response) {
    const errors = [];
    response.on('error', ({ code }) => errors.push(code));
    response.writeHead(200, json);
    response.end('{"first":true}');
    response.end('{"second":true}', (error) => errors.push(`end ${error?.code}`));
    response.write('third', (error) => errors.push(`write ${error?.code}`));
    setTimeout(() => process.send({ twice: errors }), 20);
  },
  '/broken'(_, response) {
    response.writeHead(200, json);
    response.write('{"half":');
    setTimeout(() => response.destroy(), 10);
  },
  '/throws'(_, response) {
    try {
      response.end({ not: 'text' });
    } catch ({ code }) {
      response.end(code);
    }
  },
  async '/large'(_, response) {
    response.writeHead(200, json);
    for (let i = 0; i < 7; i++) if (!response.write('1'.repeat(1024 * 1024))) await new Promise((drained) => response.once('drain', drained));
    response.end();
  },
  '/never'(request, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    request.once('close', () => process.send({ gone: request.url }));
  },
  '/handed': (request, response) => other.emit('request', request, response),
  '/page': (_, response) => response.setHeader('content-type', 'text/html').end('<h1>hello</h1>'),
};

const server = createServer((request, response) => {
  const handler = plain[request.url.split('?', 1)[0]];
  if (handler) return void handler(request, response);
  app(request, response);
});
const other = createServer((_, response) => {
  io.emit('handed');
  response.end('handed');
});
const io = new Server(server).on('connection', (socket) => socket.emit('welcome'));
process.on('uncaughtException', ({ message }) => process.send({ uncaught: message }));
server.listen(0, () => process.send({ port: server.address().port }));
