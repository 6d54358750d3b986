/**
 * Reads the notation in which commands declare their arguments:
 * `key value [NX|XX] [EX seconds|PX milliseconds] [field value ...]`.
 *
 * Gives a list of nodes: `value` and `token` (`text`, `repeated`), `optional` and `group` (`of`: nodes),
 * `choice` (`of`: a list of nodes per alternative).
 */

const PARTS = /\[|\]|\(|\)|\||\.\.\.|…|[^\s[\]()|…]+?(?=\.\.\.|[\s[\]()|…]|$)|\S/g;

export function parse(syntax) {
  const parts = syntax.match(PARTS) ?? [];
  let at = 0;
  function sequence(end) {
    const choices = [[]];
    while (at < parts.length && parts[at] !== end) {
      const part = parts[at++];
      const nodes = choices.at(-1);
      if (part === '|') choices.push([]);
      else if (part === '...' || part === '…') {
        const last = nodes.at(-1);
        if (last) last.repeated = true;
      } else if (part === '[' || part === '(') {
        const of = sequence(part === '[' ? ']' : ')');
        if (parts[at++] === undefined) throw new Error(`not closed: ${syntax}`);
        // `x [x ...]` is one repeated value.
        const again = of.at(-1);
        const last = nodes.at(-1);
        if (part === '[' && of.length === 1 && again.repeated && last?.kind === 'value' && last.text === again.text) {
          last.repeated = true;
        } else {
          nodes.push({ kind: part === '[' ? 'optional' : 'group', of });
        }
      } else {
        const text = part.replace(/:.*$/, '').replaceAll('"', '');
        nodes.push({ kind: /[a-z]/.test(text) ? 'value' : 'token', text });
      }
    }
    return choices.length === 1 ? choices[0] : [narrow(choices)];
  }
  const nodes = sequence(undefined);
  if (at < parts.length) throw new Error(`closed too early: ${syntax}`);
  return nodes;
}

/** `a b|c`: at the top level only `b` and `c` are alternatives. */
function narrow(choices) {
  return { kind: 'choice', of: choices };
}
