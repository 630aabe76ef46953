// An application that sends, acknowledges and stores whatever JavaScript has, and tells how Socket.IO took it.
const { createServer } = require('node:http');
const Database = require('../../../examples/annotator/db/better-sqlite3.cjs');
const { Server } = require('socket.io');

process.on('uncaughtException', (error) => process.send({ uncaught: String(error) }));
process.on('unhandledRejection', (error) => process.send({ unhandled: String(error) }));

const db = new Database(process.env.APP_DB ?? ':memory:');
db.exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, value)');

const bite = () => {
  throw new Error('bite');
};
const cyclic = { name: 'cyclic' };
cyclic.self = cyclic;
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
class Row {
  constructor() {
    this.id = 1;
  }
  get derived() {
    return bite();
  }
}
const inherited = Object.create({ visible: 'in the prototype' }, { own: { value: 1, enumerable: true }, hidden: { value: 2 } });
let deep = {};
for (let i = 0; i < 300; i += 1) deep = { deep };

const VALUES = {
  cyclic,
  revoked,
  inherited,
  deep,
  toJSONThrows: { toJSON: bite },
  getterThrows: Object.defineProperty({}, 'x', { enumerable: true, get: bite }),
  trapsThrow: new Proxy({}, { ownKeys: bite }),
  traps: new Proxy({ a: 1 }, { get: (target, key) => (key === 'a' ? 2 : target[key]) }),
  bigint: { big: 10n },
  symbol: [Symbol('s'), { [Symbol('key')]: 1 }],
  functions: [() => 1, { method() {} }],
  collections: { map: new Map([[1, 2]]), set: new Set([1]) },
  row: new Row(),
  boxed: [new Number(5), new String('text'), new Boolean(false)],
  dates: [new Date(0), new Date(Number.NaN)],
  numbers: [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300],
  sparse: Object.assign(new Array(4), { 1: 1, 3: null, extra: 1 }),
  arrayToJSON: Object.assign([1, 2], { toJSON: () => 'from toJSON' }),
  nullPrototype: Object.assign(Object.create(null), { a: 1 }),
  proto: JSON.parse('{"__proto__":{"a":1}}'),
  marks: [{ '!binary': 'AA==' }, { a: 1, '!': 2 }, { '!': null }],
  binary: { buffer: Buffer.from([1, 2]), bytes: new Uint8Array([3]), words: new Uint16Array([4]), raw: new ArrayBuffer(2) },
  jsonInJson: { toJSON: () => ({ at: new Date(0), bytes: [1] }) },
  surrogate: '\ud800 alone',
  huge: 'x'.repeat(3_000_000),
  wide: Array.from({ length: 100_000 }, (_, i) => ({ i })),
};

const server = createServer();
const io = new Server(server, { maxHttpBufferSize: 1e8 });
io.on('connection', (socket) => {
  socket.on('names', (callback) => callback(Object.keys(VALUES)));
  socket.on('push', (name, callback) => {
    try {
      socket.emit('value', name, VALUES[name]);
      callback('sent');
    } catch (error) {
      callback(String(error));
    }
  });
  socket.on('ack', (name, callback) => {
    try {
      callback(VALUES[name]);
    } catch (error) {
      socket.emit('failed', String(error));
    }
  });
  socket.on('store', (value, callback) => {
    const run = (sql, ...args) => {
      try {
        return db.prepare(sql).run(...args).changes;
      } catch (error) {
        return error.code;
      }
    };
    callback(run('INSERT INTO note (value) VALUES (?)', value), run('INSERT INTO note (id, value) VALUES (1, 1)'), run('UPDATE note SET value = value'));
  });
  socket.on('fill', (length, count, callback) => {
    const insert = db.prepare('INSERT INTO note (value) VALUES (?)');
    db.transaction(() => {
      for (let i = 0; i < count; i += 1) insert.run('x'.repeat(length));
    })();
    db.exec('DELETE FROM note WHERE length(value) > 1000');
    callback(count);
  });
  socket.on('slow', async (id, ms, callback) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    db.prepare('INSERT INTO note (value) VALUES (?)').run(id);
    socket.emit('slowDone', id);
    callback(id);
  });
  socket.on('exit', () => {
    db.prepare('INSERT INTO note (value) VALUES (?)').run('last');
    socket.emit('last');
    process.exit(0);
  });
});
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send({ memory: heapUsed + external });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
