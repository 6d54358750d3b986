/** What goes wrong: errors that Redis replies with, and an engine that is no more. */

/** An error reply. `message` is Redis's text, word for word. */
export class ReplyError extends Error {
  override name = 'ReplyError';
  /** The first word of the text, such as `WRONGTYPE`. */
  readonly code: string;
  /** The command's name in lower case, where it is known. */
  readonly command: string | undefined;

  constructor(text: string, command?: string) {
    super(text);
    const space = text.indexOf(' ');
    this.code = space < 0 ? text : text.slice(0, space);
    this.command = command;
  }
}

/** The engine cannot be used: it was freed, or its WebAssembly instance trapped and its memory is lost. */
export class EngineDeadError extends Error {
  override name = 'EngineDeadError';
}

/**
 * The connection to the engine is gone: the worker or the tab that it lives in ended, or the connection was closed.
 * Whether the command was run is not known. What was replied to before is not affected.
 */
export class ConnectionLostError extends Error {
  override name = 'ConnectionLostError';
  /** The command's name in lower case, where there was one. */
  readonly command: string | undefined;
  /** Whether the engine will not be back: every later call fails the same way. */
  readonly isFinal: boolean;

  constructor(text: string, { command, isFinal = false, cause }: { command?: string; isFinal?: boolean; cause?: unknown } = {}) {
    super(text, cause === undefined ? undefined : { cause });
    this.command = command;
    this.isFinal = isFinal;
  }
}

/** Others changed what a transaction had watched, each time that it was tried. */
export class TransactionConflictError extends Error {
  override name = 'TransactionConflictError';
}
