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
