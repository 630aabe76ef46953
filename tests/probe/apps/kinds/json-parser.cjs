// A parser that knows JSON only: a Buffer arrives as what JSON.stringify makes of it.
const { EventEmitter } = require('node:events');

exports.Encoder = class {
  encode(packet) {
    return [JSON.stringify(packet)];
  }
};

exports.Decoder = class extends EventEmitter {
  add(text) {
    this.emit('decoded', JSON.parse(text));
  }
  destroy() {}
};
