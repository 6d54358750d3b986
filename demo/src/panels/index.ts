/** The panels, in the order of the page; the spans of a row make six. */

import type { PanelSpec } from '../kit/panel.ts';
import { board } from './board.ts';
import { cache } from './cache.ts';
import { chat } from './chat.ts';
import { counters } from './counters.ts';
import { drivers } from './drivers.ts';
import { flags } from './flags.ts';
import { limiter } from './limiter.ts';
import { lock } from './lock.ts';
import { queue } from './queue.ts';
import { sensors } from './sensors.ts';
import { sessions } from './sessions.ts';

export const PANELS: PanelSpec[] = [cache, sessions, limiter, drivers, chat, board, flags, lock, queue, sensors, counters];
