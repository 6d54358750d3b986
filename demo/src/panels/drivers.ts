/** Nearest drivers: positions in a geo set, searched around a place that one picks on the map. */

import { geoConicConformal, geoGraticule10, geoPath } from 'd3-geo';
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import atlas from 'world-atlas/countries-50m.json?url';
import { h, svg, token } from '../kit/dom.ts';
import type { Panel, PanelSpec } from '../kit/panel.ts';
import { Table } from '../kit/table.ts';

const KEY = 'demo:drivers';
const LEAD = 'demo:drivers:lead';
const DRIVERS = 36;
const NEAREST = 6;
const WIDTH = 760;
const HEIGHT = 460;
const STEP_MS = 250;
const CITIES: { [name: string]: [lon: number, lat: number] } = {
  Lisbon: [-9.14, 38.72], Madrid: [-3.7, 40.42], Barcelona: [2.17, 41.39], Bordeaux: [-0.58, 44.84], Paris: [2.35, 48.86], London: [-0.13, 51.51],
  Dublin: [-6.26, 53.35], Edinburgh: [-3.19, 55.95], Brussels: [4.35, 50.85], Hamburg: [9.99, 53.55], Berlin: [13.4, 52.52], Munich: [11.58, 48.14],
  Milan: [9.19, 45.46], Rome: [12.5, 41.9], Naples: [14.27, 40.85], Vienna: [16.37, 48.21], Prague: [14.42, 50.09], Warsaw: [21.01, 52.23],
  Budapest: [19.04, 47.5], Belgrade: [20.46, 44.79], Athens: [23.73, 37.98], Sofia: [23.32, 42.7], Bucharest: [26.1, 44.43], Copenhagen: [12.57, 55.68],
  Oslo: [10.75, 59.91], Stockholm: [18.07, 59.33], Helsinki: [24.94, 60.17], Riga: [24.1, 56.95], Kyiv: [30.52, 50.45], Zurich: [8.54, 47.37],
};

type Found = [name: string, km: string, at: [string, string] | [number, number]];

export const drivers: PanelSpec = {
  id: 'drivers',
  title: 'Nearest drivers',
  note: 'GEOADD, GEOSEARCH',
  span: 4,
  moves: true,
  async start(panel: Panel) {
    const { store } = panel;
    const projection = geoConicConformal().parallels([40, 60]).rotate([-11, 0]).center([0, 49.2]).scale(930).translate([WIDTH / 2, HEIGHT / 2]).clipExtent([[-300, -150], [WIDTH + 300, HEIGHT + 150]]);
    const path = geoPath(projection);
    const lines = svg('g', { class: 'lines' });
    const dots = svg('g', { class: 'dots' });
    const circle = svg('path', { class: 'radius' });
    const pin = svg('circle', { class: 'pin', r: 7 });
    const ground = svg('g', { class: 'ground' });
    const map = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'xMidYMid slice', class: 'map', tabindex: 0, role: 'application', 'aria-label': 'Map of Europe: arrow keys move the place that is searched around' }, ground, circle, lines, dots, pin);
    const table = new Table(['Driver', '>km'], NEAREST, 'The nearest drivers');
    const slider = h('input', { type: 'range', min: 150, max: 1500, step: 50, value: 700, 'aria-label': 'Radius', oninput: () => search() });
    const radius = h('output', {}, '700 km');
    const side = h('div', { class: 'side' }, h('label', { class: 'wide' }, 'within ', radius, slider), table.root, h('p', { class: 'hint-text' }, 'Click the map, or focus it and use the arrow keys.'));
    panel.body.append(h('div', { class: 'map-row' }, map, side));

    let here: [number, number] = [11.58, 48.14];
    const marks = new Map<string, SVGCircleElement>();
    const search = panel.soon(async () => {
      const km = Number(slider.value);
      radius.textContent = `${km} km`;
      const [x, y] = projection(here)!;
      pin.setAttribute('transform', `translate(${x},${y})`);
      circle.setAttribute('d', path(ring(here, km)) ?? '');
      const found = await panel.run<Found[]>('GEOSEARCH', KEY, 'FROMLONLAT', here[0].toFixed(3), here[1].toFixed(3), 'BYRADIUS', km, 'km', 'ASC', 'COUNT', NEAREST, 'WITHDIST', 'WITHCOORD');
      table.show(found.map(([name, distance]) => [name, Number(distance).toFixed(0)]));
      const near = new Set(found.map(([name]) => name));
      for (const [name, mark] of marks) mark.classList.toggle('near', near.has(name));
      lines.replaceChildren(...found.map(([, , [lon, lat]]) => {
        const [toX, toY] = projection([Number(lon), Number(lat)])!;
        return svg('line', { x1: x, y1: y, x2: toX, y2: toY });
      }));
    });

    async function place(): Promise<void> {
      const names = Array.from({ length: DRIVERS }, (_, i) => driverName(i));
      const at = await store.call<([number, number] | null)[]>('GEOPOS', KEY, ...names);
      names.forEach((name, i) => {
        const position = at[i];
        if (!position) return;
        let mark = marks.get(name);
        if (!mark) {
          mark = svg('circle', { r: 4.5 });
          mark.append(svg('title', {}, document.createTextNode(name)));
          marks.set(name, mark);
          dots.append(mark);
        }
        const [x, y] = projection(position)!;
        mark.style.transform = `translate(${x}px, ${y}px)`;
      });
    }

    // Of all tabs one drives; another takes over when that one has gone.
    const self = token();
    async function leads(): Promise<boolean> {
      if (await store.call('SET', LEAD, self, 'NX', 'PX', 2000)) return true;
      if ((await store.call('GET', LEAD)) !== self) return false;
      await store.call('PEXPIRE', LEAD, 2000);
      return true;
    }
    const trips = Array.from({ length: DRIVERS }, (_, i) => new Trip(i));
    const move = () => store.call('GEOADD', KEY, ...trips.flatMap((trip, i) => [...trip.step(), driverName(i)]));

    map.addEventListener('click', (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM()!.inverse());
      here = projection.invert!([point.x, point.y])!;
      search();
    });
    map.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: [-0.5, 0], ArrowRight: [0.5, 0], ArrowUp: [0, 0.4], ArrowDown: [0, -0.4] }[event.key];
      if (!by) return;
      event.preventDefault();
      here = [Math.max(-12, Math.min(33, here[0] + by[0]!)), Math.max(35, Math.min(63, here[1] + by[1]!))];
      search();
    });

    await move();
    await place();
    search();
    panel.every(STEP_MS, async () => {
      if (await leads()) await move();
    });
    panel.every(STEP_MS, async () => {
      await place();
      search();
    });

    await panel.near;
    const world = (await (await fetch(atlas)).json()) as Topology<{ countries: GeometryCollection; land: GeometryCollection }>;
    ground.append(
      svg('path', { class: 'graticule', d: path(geoGraticule10()) ?? '' }),
      svg('path', { class: 'land', d: path(feature(world, world.objects.land)) ?? '' }),
      svg('path', { class: 'border', d: path(mesh(world, world.objects.countries, (a, b) => a !== b)) ?? '' }),
    );
  },
};

const driverName = (i: number) => `${['Volvo', 'Scania', 'MAN', 'DAF', 'Iveco', 'Renault'][i % 6]} ${100 + i * 7}`;

/** From city to city, each trip to one that is not far. */
class Trip {
  private from: [number, number];
  private to: [number, number];
  private done = Math.random();
  private speed = 1;

  constructor(i: number) {
    const all = Object.values(CITIES);
    this.from = all[i % all.length]!;
    this.to = this.from;
    this.turn();
  }

  step(): [lon: string, lat: string] {
    this.done += this.speed;
    if (this.done >= 1) {
      this.from = this.to;
      this.turn();
      this.done = 0;
    }
    const at = (k: 0 | 1) => (this.from[k] + (this.to[k] - this.from[k]) * this.done).toFixed(5);
    return [at(0), at(1)];
  }

  private turn(): void {
    const near = Object.values(CITIES).filter((city) => city !== this.from).sort((a, b) => apart(a, this.from) - apart(b, this.from));
    this.to = near[Math.floor(Math.random() * 5)]!;
    this.speed = 0.05 / Math.max(1, apart(this.to, this.from));
  }
}

const apart = (a: [number, number], b: [number, number]) => Math.hypot((a[0] - b[0]) * 0.65, a[1] - b[1]);

/** The circle of so many kilometres around a place, as the globe has it. */
function ring([lon, lat]: [number, number], km: number): GeoJSON.LineString {
  const turn = Math.PI / 180;
  const angle = km / 6372.8;
  const coordinates = Array.from({ length: 73 }, (_, i) => {
    const bearing = i * 5 * turn;
    const phi = Math.asin(Math.sin(lat * turn) * Math.cos(angle) + Math.cos(lat * turn) * Math.sin(angle) * Math.cos(bearing));
    const lambda = lon * turn + Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(lat * turn), Math.cos(angle) - Math.sin(lat * turn) * Math.sin(phi));
    return [lambda / turn, phi / turn];
  });
  return { type: 'LineString', coordinates };
}
