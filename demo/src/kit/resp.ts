/** Replies as the wire has them, and as redis-cli shows them. The console's connection speaks RESP3. */

export type Node =
  | { type: 'status' | 'error' | 'bulk' | 'verbatim' | 'big' | 'double' | 'int'; text: string }
  | { type: 'null' }
  | { type: 'bool'; value: boolean }
  | { type: 'array' | 'set' | 'push' | 'map'; items: Node[] };

const decoder = new TextDecoder();

/** Cuts bytes into replies; keeps a part until the rest has come. */
export class Parser {
  private bytes = new Uint8Array(0);
  private at = 0;

  feed(more: Uint8Array): Node[] {
    const joined = new Uint8Array(this.bytes.length + more.length);
    joined.set(this.bytes);
    joined.set(more, this.bytes.length);
    this.bytes = joined;
    const nodes: Node[] = [];
    for (;;) {
      this.at = 0;
      const node = this.bytes.length > 0 ? this.next() : undefined;
      if (!node) return nodes;
      nodes.push(node);
      this.bytes = this.bytes.subarray(this.at);
    }
  }

  private line(): string | undefined {
    const end = this.bytes.indexOf(13, this.at);
    if (end < 0 || end + 1 >= this.bytes.length) return undefined;
    const text = decoder.decode(this.bytes.subarray(this.at, end));
    this.at = end + 2;
    return text;
  }

  private next(): Node | undefined {
    const kind = String.fromCharCode(this.bytes[this.at++] ?? 0);
    const head = this.line();
    if (head === undefined) return undefined;
    switch (kind) {
      case '+':
        return { type: 'status', text: head };
      case '-':
        return { type: 'error', text: head };
      case ':':
        return { type: 'int', text: head };
      case ',':
        return { type: 'double', text: head };
      case '(':
        return { type: 'big', text: head };
      case '_':
        return { type: 'null' };
      case '#':
        return { type: 'bool', value: head === 't' };
      case '$':
      case '=': {
        const length = Number(head);
        if (length < 0) return { type: 'null' };
        if (this.at + length + 2 > this.bytes.length) return undefined;
        const text = decoder.decode(this.bytes.subarray(this.at, this.at + length));
        this.at += length + 2;
        return kind === '$' ? { type: 'bulk', text } : { type: 'verbatim', text: text.slice(4) };
      }
      default: {
        const type = kind === '~' ? 'set' : kind === '>' ? 'push' : kind === '%' ? 'map' : 'array';
        const length = Number(head) * (type === 'map' ? 2 : 1);
        if (length < 0) return { type: 'null' };
        const items: Node[] = [];
        for (let i = 0; i < length; i++) {
          const item = this.next();
          if (!item) return undefined;
          items.push(item);
        }
        return { type, items };
      }
    }
  }
}

const quoted = (text: string) => JSON.stringify(text);

/** Lines of text with the class they are shown in. */
export function format(node: Node, indent = ''): [kind: string, text: string][] {
  switch (node.type) {
    case 'status':
      return [['status', node.text]];
    case 'error':
      return [['error', `(error) ${node.text}`]];
    case 'int':
      return [['number', `(integer) ${node.text}`]];
    case 'double':
      return [['number', `(double) ${node.text}`]];
    case 'big':
      return [['number', `(big number) ${node.text}`]];
    case 'bool':
      return [['number', node.value ? '(true)' : '(false)']];
    case 'null':
      return [['none', '(nil)']];
    case 'bulk':
      return [['text', quoted(node.text)]];
    case 'verbatim':
      return node.text.replace(/\r?\n$/, '').split(/\r?\n/).map((line): [string, string] => ['text', line]);
    default: {
      if (node.items.length === 0) return [['none', `(empty ${node.type === 'map' ? 'hash' : node.type})`]];
      const step = node.type === 'map' ? 2 : 1;
      const count = node.items.length / step;
      const sign = node.type === 'set' ? '~' : node.type === 'map' ? '#' : ')';
      const width = String(count).length;
      const lines: [string, string][] = [];
      for (let i = 0; i < count; i++) {
        const label = `${String(i + 1).padStart(width)}${sign} `;
        const deeper = indent + ' '.repeat(label.length);
        const first = node.items[i * step]!;
        let own = format(first, deeper);
        if (step === 2) {
          const value = format(node.items[i * 2 + 1]!, deeper);
          own = [[value[0]![0], `${own[0]![1]} => ${value[0]![1].trimStart()}`], ...value.slice(1)];
        }
        own.forEach(([kind, text], n) => lines.push([kind, n === 0 ? (i === 0 ? '' : indent) + label + text : text]));
      }
      return lines;
    }
  }
}

/** Splits a line into words as redis-cli does; undefined while a quote is open. */
export function words(line: string): string[] | undefined {
  const found: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at++;
      continue;
    }
    let word = '';
    while (at < line.length && !/\s/.test(line[at]!)) {
      const quote = line[at]!;
      if (quote !== '"' && quote !== "'") {
        word += quote;
        at++;
        continue;
      }
      at++;
      for (;;) {
        const c = line[at++];
        if (c === undefined) return undefined;
        if (c === quote) break;
        if (c === '\\' && at < line.length) {
          const next = line[at++]!;
          if (quote === "'") word += next === "'" ? next : `\\${next}`;
          else word += ({ n: '\n', r: '\r', t: '\t' } as Record<string, string>)[next] ?? next;
        } else {
          word += c;
        }
      }
    }
    found.push(word);
  }
  return found;
}

const encoder = new TextEncoder();

/** A word of a command. */
export type Arg = string | number | Uint8Array;

/** A request on the wire. */
export function request(args: readonly Arg[]): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : encoder.encode(String(arg));
    parts.push(encoder.encode(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return joined(parts);
}

const CRLF = encoder.encode('\r\n');

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a panel gets for a reply: maps are objects, errors are thrown by the client. */
export type Value = null | string | number | boolean | Value[] | { [key: string]: Value } | Error;

export function value(node: Node): Value {
  switch (node.type) {
    case 'null':
      return null;
    case 'bool':
      return node.value;
    case 'int':
    case 'double':
      return node.text === 'inf' ? Infinity : node.text === '-inf' ? -Infinity : Number(node.text);
    case 'error':
      return new Error(node.text);
    case 'map': {
      const map: { [key: string]: Value } = {};
      for (let i = 0; i < node.items.length; i += 2) map[String(value(node.items[i]!))] = value(node.items[i + 1]!);
      return map;
    }
    case 'array':
    case 'set':
    case 'push':
      return node.items.map(value);
    default:
      return node.text;
  }
}
