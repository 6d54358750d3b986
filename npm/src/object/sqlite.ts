/**
 * A storage in a Durable Object's SQLite database.
 *
 * Writes are synchronous, and the runtime holds back what the object sends until they are durable, so a
 * write that precedes a reply is all it takes. Each row is a piece of at most 1 MiB, well below the 2 MB
 * that a row may have. A generation is a base and the journal after it; during a rewrite there are two.
 */

import type { Base, Storage } from '../storage.js';

/** The most bytes in one row. */
export const PIECE_BYTES = 1 << 20;

const BASE = 0;
const JOURNAL = 1;

interface Row {
  [column: string]: ArrayBuffer | number;
}

export class SqliteStorage implements Storage {
  private readonly storage: DurableObjectStorage;
  /** The generation whose base is whole. */
  private current: number;
  /** The one that the journal goes to. */
  private latest: number;
  /** The last row's number in the journal. */
  private row: number;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
    this.run('CREATE TABLE IF NOT EXISTS redstart_state (current INTEGER NOT NULL)');
    this.run(
      'CREATE TABLE IF NOT EXISTS redstart_pieces ' +
        '(generation INTEGER, kind INTEGER, n INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (generation, kind, n)) WITHOUT ROWID',
    );
    const state = this.run('SELECT current FROM redstart_state')[0];
    if (!state) this.run('INSERT INTO redstart_state VALUES (0)');
    this.current = (state?.['current'] as number | undefined) ?? 0;
    // A base that was not finished is none.
    this.run('DELETE FROM redstart_pieces WHERE kind = ? AND generation > ?', BASE, this.current);
    const last = this.run('SELECT MAX(generation) AS generation FROM redstart_pieces')[0]!;
    this.latest = Math.max(this.current, (last['generation'] as number | null) ?? 0);
    const end = this.run('SELECT MAX(n) AS n FROM redstart_pieces WHERE generation = ? AND kind = ?', this.latest, JOURNAL)[0]!;
    this.row = (end['n'] as number | null) ?? 0;
  }

  *load(): Generator<Uint8Array> {
    const order = 'generation >= ? AND (kind = 1 OR generation = ?) ORDER BY generation, kind, n';
    // One row at a time: all of them at once might not fit beside the engine.
    let at: [number, number, number] = [this.current, BASE, -1];
    for (;;) {
      const [row] = this.run(`SELECT generation, kind, n, bytes FROM redstart_pieces WHERE (generation, kind, n) > (?, ?, ?) AND ${order} LIMIT 1`, ...at, this.current, this.current);
      if (!row) return;
      at = [row['generation'] as number, row['kind'] as number, row['n'] as number];
      yield new Uint8Array(row['bytes'] as ArrayBuffer);
    }
  }

  append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
      this.insert(this.latest, JOURNAL, ++this.row, bytes.subarray(from, from + PIECE_BYTES));
    }
  }

  sizes(): { base: number; journal: number } {
    const bytes = (kind: number, where: string) =>
      this.run(`SELECT TOTAL(LENGTH(bytes)) AS bytes FROM redstart_pieces WHERE kind = ? AND generation ${where} ?`, kind, this.current)[0]!['bytes'] as number;
    return { base: bytes(BASE, '='), journal: bytes(JOURNAL, '>=') };
  }

  begin(): Base {
    const generation = this.latest + 1;
    this.latest = generation;
    this.row = 0;
    let pieces = 0;
    return {
      write: (piece) => {
        for (let from = 0; from < piece.length; from += PIECE_BYTES) {
          this.insert(generation, BASE, ++pieces, piece.subarray(from, from + PIECE_BYTES));
        }
      },
      commit: () =>
        this.storage.transactionSync(() => {
          this.run('UPDATE redstart_state SET current = ?', generation);
          this.run('DELETE FROM redstart_pieces WHERE generation < ?', generation);
          this.current = generation;
        }),
      abort: () => {
        this.run('DELETE FROM redstart_pieces WHERE kind = ? AND generation = ?', BASE, generation);
      },
    };
  }

  private insert(generation: number, kind: number, n: number, bytes: Uint8Array): void {
    this.run('INSERT INTO redstart_pieces VALUES (?, ?, ?, ?)', generation, kind, n, bytes);
  }

  private run(query: string, ...bindings: unknown[]): Row[] {
    return this.storage.sql.exec<Row>(query, ...bindings).toArray();
  }
}
