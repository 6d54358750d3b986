/** A storage in memory: an engine's data outlives the engine, but not the program. For tests. */

import { type Place, PiecesStorage } from './pieces.js';

const name = ({ generation, kind, n }: Place) => `${generation}.${kind}.${n}`;

export class MemoryStorage extends PiecesStorage {
  constructor() {
    const pieces = new Map<string, Place & { piece: Uint8Array }>();
    let current = 0;
    super({
      open: async () => ({ current, pieces: [...pieces.values()].map(({ piece, ...place }) => ({ ...place, bytes: piece.length })) }),
      read: async (place) => pieces.get(name(place))!.piece,
      write: async (place, bytes) => void pieces.set(name(place), { ...place, piece: bytes.slice() }),
      turn: async (generation) => void (current = generation),
      remove: async (places) => places.forEach((place) => pieces.delete(name(place))),
    });
  }
}
