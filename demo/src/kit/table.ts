/** A table with a fixed number of rows, so that nothing moves when some are empty. */

import { h } from './dom.ts';

export type Cell = string | number | Node;

export class Table {
  readonly root: HTMLElement;
  private readonly cells: HTMLTableCellElement[][] = [];

  /** `columns`: the titles; one that begins with `>` is for numbers. */
  constructor(columns: readonly string[], rows: number, name: string) {
    const body = h('tbody');
    for (let i = 0; i < rows; i++) {
      const cells = columns.map((title) => h('td', { class: title.startsWith('>') ? 'right' : '' }, '\u00a0'));
      this.cells.push(cells);
      body.append(h('tr', {}, ...cells));
    }
    const head = columns.map((title) => h('th', { class: title.startsWith('>') ? 'right' : '', scope: 'col' }, title.replace('>', '')));
    this.root = h('table', { 'aria-label': name }, h('thead', {}, h('tr', {}, ...head)), body);
  }

  show(rows: readonly (readonly Cell[])[]): void {
    this.cells.forEach((cells, i) => {
      cells.forEach((cell, j) => {
        const value = rows[i]?.[j] ?? '\u00a0';
        if (value instanceof Node) {
          if (cell.firstChild !== value) cell.replaceChildren(value);
        } else if (cell.textContent !== String(value) || cell.firstElementChild) {
          cell.textContent = String(value);
          cell.title = typeof value === 'string' && value.length > 24 ? value : '';
        }
      });
      cells[0]!.parentElement!.classList.toggle('empty', !rows[i]);
    });
  }
}
