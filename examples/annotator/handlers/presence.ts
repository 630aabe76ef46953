import { setTimeout as sleep } from 'node:timers/promises';
import type { AppServer, AppSocket } from '../context.js';
import { documentRoom } from '../push.js';

/** One look-up in a store over a network. */
const LOOKUP_MS = 22;

async function sharesDocument(client: AppSocket, peer: AppSocket, documentId: number): Promise<boolean> {
  await sleep(LOOKUP_MS);
  return client.rooms.has(documentRoom(documentId)) && peer.rooms.has(documentRoom(documentId));
}

/**
 * The wrong code of `slow-with-clients`: whether somebody is present is asked for every client about every client,
 * one look-up after the other. Nobody notices with three users; twelve wait for seconds.
 * Socket.IO rooms know the answer already, so the right code does not ask at all.
 */
export async function loadPresence(io: AppServer, documentId: number, check: () => void): Promise<Map<string, string[]>> {
  const presence = new Map<string, string[]>();
  for (const client of io.sockets.sockets.values()) {
    const peers: string[] = [];
    for (const peer of io.sockets.sockets.values()) {
      if (await sharesDocument(client, peer, documentId)) peers.push(peer.data.user.name);
      check();
    }
    presence.set(client.id, peers);
  }
  return presence;
}
