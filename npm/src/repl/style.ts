/** How the console looks. Pages change it by the custom properties, and by `::part(screen)`, `line`, `hint`. */
export const STYLE: string = `
:host {
  color-scheme: inherit;
  --repl-text: light-dark(#1d2328, #d9dee2);
  --repl-soft: light-dark(#626d76, #8b969e);
  --repl-back: light-dark(#fafbfb, #14181b);
  --repl-edge: light-dark(#d5dade, #2b3238);
  --repl-good: light-dark(#0b6b3a, #6ed39a);
  --repl-bad: light-dark(#b3261e, #ff8a80);
  --repl-number: light-dark(#7a4a00, #f0b866);
  --repl-accent: light-dark(#c0392b, #ff7b6b);
  display: flex;
  flex-direction: column;
  min-height: 12rem;
  height: 24rem;
  font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  color: var(--repl-text);
  background: var(--repl-back);
  border: 1px solid var(--repl-edge);
  border-radius: 6px;
  overflow: hidden;
}
:host([hidden]) { display: none; }
#screen { flex: 1; overflow: auto; padding: 0.6rem 0.75rem; white-space: pre-wrap; overflow-wrap: anywhere; overscroll-behavior: contain; }
#screen:focus-visible { outline: 2px solid var(--repl-accent); outline-offset: -2px; }
.asked::before { content: attr(data-prompt); color: var(--repl-accent); }
.asked:not(:first-child) { margin-top: 0.4rem; }
.none, .hint { color: var(--repl-soft); }
.status { color: var(--repl-good); }
.error { color: var(--repl-bad); }
.number { color: var(--repl-number); }
form { display: flex; align-items: baseline; gap: 0.5ch; padding: 0.4rem 0.75rem; border-top: 1px solid var(--repl-edge); }
form > span { color: var(--repl-accent); white-space: pre; }
.field { position: relative; flex: 1; min-width: 0; }
input, .ghost { font: inherit; color: inherit; padding: 0; margin: 0; border: 0; background: none; width: 100%; white-space: pre; }
input { position: relative; outline: none; caret-color: var(--repl-accent); }
form:focus-within { box-shadow: inset 2px 0 0 var(--repl-accent); }
.ghost { position: absolute; inset: 0; overflow: hidden; color: var(--repl-soft); pointer-events: none; }
.ghost b { font-weight: inherit; visibility: hidden; }
.hint { padding: 0 0.75rem 0.4rem; min-height: 1.5em; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.hint code { font: inherit; color: var(--repl-text); }
@media (max-width: 40rem) { input, .ghost { font-size: 16px; } }
`;
