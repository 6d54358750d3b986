/** What the console knows about commands: completion, grammar, help. The table is loaded when it is first wanted. */

export interface Known {
  syntax: string;
  summary: string;
  group: string;
}

export class Hints {
  private commands = new Map<string, Known>();
  private names: string[] = [];

  /** Rows of name, syntax, summary, group. */
  fill(rows: readonly (readonly [string, string, string, string])[]): void {
    this.commands = new Map(rows.map(([name, syntax, summary, group]) => [name.replace('|', ' ').toUpperCase(), { syntax, summary, group }]));
    this.names = [...this.commands.keys()].sort();
  }

  /** The names that begin as the line does. */
  completions(line: string): string[] {
    const typed = line.trimStart().toUpperCase();
    return typed ? this.names.filter((name) => name.startsWith(typed) && name !== typed) : [];
  }

  /** The command that the line names, once its name is complete. */
  named(line: string): [name: string, command: Known] | undefined {
    const typed = line.trimStart().toUpperCase().split(/\s+/);
    for (const count of [2, 1]) {
      const name = typed.slice(0, count).join(' ');
      const command = this.commands.get(name);
      if (command && (typed.length > count || line.endsWith(' '))) return [name, command];
    }
    return undefined;
  }

  /** The line completed as far as it can be said, or undefined. Lower case stays lower case. */
  complete(line: string): string | undefined {
    const list = this.completions(line);
    if (list.length === 0) return undefined;
    // Up to where all that fit agree; the first one where that is no progress.
    let common = list[0]!;
    for (const name of list) while (!name.startsWith(common)) common = common.slice(0, -1);
    const typed = line.trimStart();
    const next = common.length > typed.length ? common : list[0]!;
    return cased(typed, next) + (list.length === 1 || next !== common ? ' ' : '');
  }

  /** What HELP says. */
  help(asked: string): [kind: 'text' | 'none', text: string][] {
    const command = this.commands.get(asked.toUpperCase());
    if (command) {
      return [['text', `${asked.toUpperCase()} ${command.syntax}`], ['none', `${command.summary} Group: ${command.group}.`]];
    }
    return [['none', `${this.names.length} commands. HELP and a name tells more: ${this.names.filter((name) => !name.includes(' ')).join(' ')}`]];
  }
}

/** `name` in lower case if what was typed is. */
export function cased(typed: string, name: string): string {
  return typed !== typed.toUpperCase() ? name.toLowerCase() : name;
}
