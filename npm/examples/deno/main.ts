/**
 * A local Upstash on Deno and Deno Deploy: `deno run --allow-net --allow-env main.ts`.
 *
 * Deploy runs several isolates and stops them when it likes: each is a cache of its own.
 */
import { Engine } from 'redstart';
import { toFetchHandler } from 'redstart/upstash';

const engine = await Engine.open({ config: { maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' } });
const handler = toFetchHandler(engine, { token: Deno.env.get('REDIS_TOKEN') ?? 'local' });

Deno.serve({ port: Number(Deno.env.get('PORT') ?? 8000) }, (request) => handler(request));
