/** A server that hangs up at a packet may speak another parser. Which one is only said where it is proven: nothing else answers in its words. */
import { EventEmitter } from 'node:events';
import { PacketType } from 'socket.io-parser';
import type { Brought } from '../auth/identity.js';
import type { Parser } from '../wire/parser.js';
import type { ReplayOptions } from './options.js';
import { firstAnswer, NOWHERE } from './target.js';

/** What it speaks in place of what was tried; undefined: that is not known. */
export async function spokenInstead(options: ReplayOptions, brought: Brought): Promise<string | undefined> {
  const { parser } = options;
  const other = parser === undefined ? 'msgpack' : "Socket.IO's own parser";
  const answer = await firstAnswer(options, brought, parser === undefined ? someMsgpack : undefined);
  return answer === 'refused' ? `it speaks ${other}, and not ${parser ?? "Socket.IO's own parser"}` : undefined;
}

/** As much of msgpack as asks for a namespace, and knows that it was understood: the answer is a map. */
const someMsgpack: Parser = {
  Encoder: class {
    encode({ type, nsp }: { type?: number; nsp?: string }): Uint8Array[] {
      const text = (value: string): Buffer => Buffer.concat([Buffer.from([0xa0 | value.length]), Buffer.from(value)]);
      return [Buffer.concat([Buffer.from([0x82]), text('type'), Buffer.from([type ?? 0]), text('nsp'), text(nsp ?? '/')])];
    }
  },
  Decoder: class extends EventEmitter {
    add(data: unknown): void {
      if (!(data instanceof Uint8Array) || ((data[0] ?? 0) & 0xf0) !== 0x80) throw new Error('no msgpack');
      this.emit('decoded', { type: PacketType.CONNECT_ERROR, nsp: NOWHERE, data: { message: 'Invalid namespace' } });
    }
    destroy(): void {}
  } as unknown as Parser['Decoder'],
};
