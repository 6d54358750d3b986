/** Replies as redis-cli shows them, and lines as it reads them. */

import { replyEnd } from '../reply.js';

/** A reply with its type, as the wire has it. */
export type Node =
  | { type: 'status' | 'error' | 'bulk' | 'verbatim' | 'big' | 'double' | 'int'; text: string }
  | { type: 'null' }
  | { type: 'bool'; value: boolean }
  | { type: 'array' | 'set' | 'push' | 'map'; items: Node[] };

/** A line of output and the class that it is shown in. */
export type Line = [kind: 'status' | 'error' | 'number' | 'none' | 'text', text: string];

const decoder = new TextDecoder();

/** Cuts bytes into replies; keeps a part until the rest has come. */
export class Parser {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;

  feed(more: Uint8Array): Node[] {
    const bytes = new Uint8Array(this.bytes.length + more.length);
    bytes.set(this.bytes);
    bytes.set(more, this.bytes.length);
    this.bytes = bytes;
    const nodes: Node[] = [];
    let at = 0;
    for (let end: number; (end = replyEnd(bytes, at)) >= 0; at = end) {
      this.at = at;
      nodes.push(this.next());
    }
    this.bytes = bytes.slice(at);
    return nodes;
  }

  private line(): string {
    const end = this.bytes.indexOf(13, this.at);
    const text = decoder.decode(this.bytes.subarray(this.at, end));
    this.at = end + 2;
    return text;
  }

  private next(): Node {
    const kind = String.fromCharCode(this.bytes[this.at++]!);
    const head = this.line();
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
        const text = shown(this.bytes.subarray(this.at, this.at + length));
        this.at += length + 2;
        return kind === '$' ? { type: 'bulk', text } : { type: 'verbatim', text: text.slice(4) };
      }
      case '|': {
        for (let left = 2 * Number(head); left > 0; left--) this.next();
        return this.next();
      }
      default: {
        const type = kind === '~' ? 'set' : kind === '>' ? 'push' : kind === '%' ? 'map' : 'array';
        const length = Number(head) * (type === 'map' ? 2 : 1);
        if (length < 0) return { type: 'null' };
        return { type, items: Array.from({ length }, () => this.next()) };
      }
    }
  }
}

/** Text, or bytes in Redis's own spelling where they are none. */
function shown(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    let text = '';
    for (const byte of bytes) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
    return text;
  }
}

/** Bytes that `shown` has spelled out are not quoted once more. */
const quoted = (text: string) => JSON.stringify(text).replaceAll('\\\\x', '\\x');

/** Lines of text for a reply. */
export function format(node: Node, indent = ''): Line[] {
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
      return node.text.replace(/\r?\n$/, '').split(/\r?\n/).map((line): Line => ['text', line]);
    default:
      return formatList(node.items, node.type, indent);
  }
}

function formatList(items: readonly Node[], type: 'array' | 'set' | 'push' | 'map', indent: string): Line[] {
  if (items.length === 0) return [['none', `(empty ${type === 'map' ? 'hash' : type})`]];
  const step = type === 'map' ? 2 : 1;
  const count = items.length / step;
  const sign = type === 'set' ? '~' : type === 'map' ? '#' : ')';
  const width = String(count).length;
  const lines: Line[] = [];
  for (let i = 0; i < count; i++) {
    const label = `${String(i + 1).padStart(width)}${sign} `;
    const deeper = indent + ' '.repeat(label.length);
    let own = format(items[i * step]!, deeper);
    if (step === 2) {
      const value = format(items[i * 2 + 1]!, deeper);
      own = [[value[0]![0], `${own[0]![1]} => ${value[0]![1].trimStart()}`], ...value.slice(1)];
    }
    own.forEach(([kind, text], n) => lines.push([kind, n === 0 ? (i === 0 ? '' : indent) + label + text : text]));
  }
  return lines;
}

const ESCAPES: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

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
      const quote = line[at++]!;
      if (quote !== '"' && quote !== "'") {
        word += quote;
        continue;
      }
      for (;;) {
        const c = line[at++];
        if (c === undefined) return undefined;
        if (c === quote) break;
        if (c !== '\\' || at >= line.length) {
          word += c;
          continue;
        }
        const next = line[at++]!;
        if (quote === "'") word += next === "'" ? next : `\\${next}`;
        else word += ESCAPES[next] ?? next;
      }
    }
    found.push(word);
  }
  return found;
}
