import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadParser } from '../../src/wire/parser.js';
import { root, temporary } from '../e2e/support.js';

const why = (name: string, folder: string): Promise<string> =>
  loadParser(name, folder).then(
    () => 'none',
    ({ message }: Error) => message,
  );

it('a parser is a package of the project, or a file of it, in any form of module', async () => {
  const own = await loadParser('socket.io-msgpack-parser', root);
  expect(new own.Encoder().encode({ type: 2, nsp: '/', data: ['a'] })).toEqual([expect.any(Buffer)]);
  const folder = temporary('parsers');
  writeFileSync(join(folder, 'named.mjs'), 'export class Encoder {}\nexport class Decoder {}\n');
  writeFileSync(join(folder, 'whole.mjs'), 'export default { Encoder: class {}, Decoder: class {} };\n');
  writeFileSync(join(folder, 'common.cjs'), 'const parser = { Encoder: class {}, Decoder: class {} };\nmodule.exports = parser;\n');
  for (const file of ['./named.mjs', './whole.mjs', './common.cjs']) expect(await loadParser(file, folder)).toHaveProperty('Decoder');
});

it('one that is not there, does not load or is none is said in a sentence', async () => {
  const folder = temporary('parsers');
  writeFileSync(join(folder, 'half.mjs'), 'export class Encoder {}\n');
  writeFileSync(join(folder, 'broken.cjs'), "require('nothing-of-this-name');\n");
  expect(await why('nothing-of-this-name', folder)).toMatch(
    /^REPLAY_PARSER: the parser nothing-of-this-name is not installed in this project: Cannot find module .*\n {4}at /,
  );
  expect(await why('./half.mjs', folder)).toContain(
    'the parser ./half.mjs has no Encoder and Decoder, as the option `parser` of a Socket.IO server wants them',
  );
  expect(await why('./broken.cjs', folder)).toMatch(/the parser \.\/broken\.cjs cannot be loaded: Cannot find module 'nothing-of-this-name'\n {4}at /);
});
