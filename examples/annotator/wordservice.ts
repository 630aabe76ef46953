import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMain } from './main.js';

/**
 * The second service: `POST /analyse {"text"}` answers `{"words":n,"label":"…"}`.
 * The same text always gets the same answer, after a short delay as over a real network.
 */
export interface WordAnswer {
  words: number;
  /** The longest word, the first one of several; null without any word. */
  label: string | null;
}

const DELAY_MS = 20;

export function analyse(text: string): WordAnswer {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  let label: string | null = null;
  for (const word of words) if (label === null || word.length > label.length) label = word;
  return { words: words.length, label };
}

export async function startWordService(port = 0): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    try {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      if (request.method !== 'POST' || request.url !== '/analyse') return void response.writeHead(404).end();
      const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
      const text = typeof body === 'object' && body !== null && 'text' in body ? String(body.text) : '';
      await sleep(DELAY_MS);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(analyse(text)));
    } catch {
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // The client keeps connections alive; without this the process would linger.
        server.closeAllConnections();
      }),
  };
}

if (isMain(import.meta.url)) {
  const service = await startWordService(Number(process.env.WORD_SERVICE_PORT || 3301));
  console.log(`word service on ${service.url}`);
}
