/** The adapter of another package: it rests on a copy of socket.io-adapter from before 2.4, whose broadcasts notify nobody. */
import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const server = createServer();
const io = new Server(server);
const Current = io.of('/').adapter.constructor;

class Base extends EventEmitter {
  constructor(nsp) {
    super();
    Object.assign(this, { nsp, rooms: new Map(), sids: new Map(), encoder: nsp.server.encoder });
  }

  broadcast(packet, options) {
    packet.nsp = this.nsp.name;
    const encoded = this.encoder.encode(packet);
    this.apply(options, (socket) => socket.client.writeToEngine(encoded, { preEncoded: true }));
  }
}
for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(Current.prototype)))
  if (!Object.hasOwn(Base.prototype, name)) Object.defineProperty(Base.prototype, name, property);

class Remote extends Base {
  /** goes out to another process, which is the test */
  broadcast(packet, options) {
    if (packet.data[0] === 'loud') process.send({ packet, flags: options.flags });
    else super.broadcast(packet, options);
  }

  /** what another process sent */
  receive(packet, flags = {}) {
    super.broadcast(packet, { rooms: new Set(), except: new Set(), flags });
  }
}
process.on('message', ({ packet, flags }) => io.of('/').adapter.receive(packet, flags));

io.adapter(Remote);
io.on('connection', (socket) => {
  socket.emit('ready');
  socket.on('say', (text) => socket.broadcast.emit('said', text, Buffer.from(text)));
  socket.on('shout', (text) => io.compress(false).emit('loud', text));
  socket.on('far', (text) => io.of('/').adapter.receive({ type: 2, data: ['far', text] }));
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
