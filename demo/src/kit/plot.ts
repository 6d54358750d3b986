/** Lines over time by uPlot, in the page's colours, as wide as their place. */

import uPlot from 'uplot';
import { color } from './dom.ts';

export interface Line {
  label: string;
  /** A colour of the page: `accent`, `number`, `text`, `amber`. */
  color: string;
  fill?: boolean;
}

export interface PlotOptions {
  lines: Line[];
  height: number;
  /** How many points it shows. */
  points?: number;
  range?: [number, number];
  /** How the values at the left are written. */
  format?: (value: number) => string;
  name: string;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

export class Plot {
  readonly root: HTMLElement;
  private readonly plot: uPlot;
  private readonly data: (number | null)[][];
  private readonly points: number;

  constructor(host: HTMLElement, options: PlotOptions) {
    this.points = options.points ?? 60;
    this.data = Array.from({ length: options.lines.length + 1 }, () => []);
    this.root = document.createElement('div');
    this.root.className = 'plot';
    this.root.setAttribute('role', 'img');
    this.root.setAttribute('aria-label', options.name);
    this.root.style.height = `${options.height}px`;
    host.append(this.root);
    const font = '11px system-ui, sans-serif';
    this.plot = new uPlot(
      {
        width: Math.max(this.root.clientWidth, 120),
        height: options.height,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 4, 7, 0],
        scales: {
          x: { time: false, range: (_, min, max) => [Math.min(min, max - this.points + 1), max] },
          y: { range: options.range ? () => options.range! : (_, __, max) => [0, nice(max)] },
        },
        axes: [
          { show: false },
          {
            size: 44,
            font,
            gap: 4,
            stroke: () => color('soft'),
            grid: { stroke: () => color('line'), width: 1 },
            ticks: { show: false },
            values: (_, values) => values.map((value) => (options.format ?? String)(value)),
            space: 30,
          },
        ],
        series: [
          {},
          ...options.lines.map((line) => ({
            label: line.label,
            stroke: () => color(line.color),
            ...(line.fill ? { fill: () => `${color(line.color)}22` } : {}),
            width: 1.75,
            points: { show: false },
            spanGaps: true,
          })),
        ],
      },
      this.data as uPlot.AlignedData,
      this.root,
    );
    new ResizeObserver(() => {
      const width = this.root.clientWidth;
      if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: options.height });
    }).observe(this.root);
    dark.addEventListener('change', () => this.plot.redraw(false));
    if (options.lines.length > 1) {
      const legend = document.createElement('div');
      legend.className = 'legend';
      for (const line of options.lines) {
        const item = document.createElement('span');
        item.style.setProperty('--mark', `var(--${line.color})`);
        item.textContent = line.label;
        legend.append(item);
      }
      host.append(legend);
    }
  }

  /** The next point of every line. */
  push(...values: (number | null)[]): void {
    const xs = this.data[0]!;
    xs.push((xs.at(-1) ?? 0)! + 1);
    values.forEach((value, i) => this.data[i + 1]!.push(value));
    if (xs.length > this.points) for (const column of this.data) column.shift();
    this.plot.setData(this.data as uPlot.AlignedData);
  }
}

/** The next round number, so that the scale does not tremble. */
function nice(max: number): number {
  if (!(max > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(max * 1.1));
  return [1, 1.5, 2, 3, 4, 5, 7.5, 10].map((step) => step * unit).find((limit) => limit >= max * 1.1) ?? 10 * unit;
}
