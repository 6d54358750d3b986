/** One engine behind three doors: `bun index.ts` serves HTTP (Upstash's REST) and RESP, and calls it directly. */
import { Engine } from 'redstart';
import { listen } from 'redstart/socket';
import { toFetchHandler } from 'redstart/upstash';

const engine = await Engine.open({ config: { maxmemory: '256mb' } });
engine.set('greeting', 'hello');

const handler = toFetchHandler(engine, { token: process.env.REDIS_TOKEN ?? 'local' });
const http = Bun.serve({ port: Number(process.env.PORT ?? 8000), fetch: (request) => handler(request) });
const resp = await listen(engine, { port: Number(process.env.REDIS_PORT ?? 6379) });

const { port } = resp.address() as { port: number };
console.log(`REST on ${http.url}, RESP on port ${port}`);
