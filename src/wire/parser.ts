/** Another parser than Socket.IO's own, such as socket.io-msgpack-parser: a module of the user's project, as the server was given it. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ReplayError } from '../errors.js';

interface Decoder {
  add(piece: unknown): void;
  on(event: 'decoded', listener: (packet: never) => void): unknown;
  destroy?(): void;
}

export interface Parser {
  Encoder: new () => { encode(packet: object): (string | Uint8Array)[] };
  Decoder: new () => Decoder;
}

/** By the name of a package, or the path of a file, in the folder. Throws REPLAY_PARSER. */
export async function loadParser(name: string, folder: string): Promise<Parser> {
  const refuse = (why: string): ReplayError => new ReplayError('REPLAY_PARSER', `the parser ${name} ${why}`, { file: folder });
  let file: string;
  try {
    file = createRequire(join(folder, 'package.json')).resolve(name);
  } catch (error) {
    throw refuse(`is not installed in this project: ${reasonOf(error)}`);
  }
  const loaded = await (import(pathToFileURL(file).href) as Promise<{ default?: unknown }>).catch((error: unknown) => {
    throw refuse(`cannot be loaded: ${reasonOf(error)}`);
  });
  const found = [loaded, loaded.default].find(isParser);
  if (!found) throw refuse('has no Encoder and Decoder, as the option `parser` of a Socket.IO server wants them');
  return found;
}

const isParser = (module: unknown): module is Parser =>
  typeof module === 'object' && module !== null && ['Encoder', 'Decoder'].every((part) => typeof Reflect.get(module, part) === 'function');

const reasonOf = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
