/**
 * A rate limit and a cache in an edge function of Vercel: no network, no account.
 *
 * Each isolate has an engine of its own, so the limit is per isolate. `Engine.openSync` at module scope asks for
 * no entropy and no clock, which is not allowed there; the first command does.
 */
import { Engine } from 'redstart';
import { toFetchHandler } from 'redstart/upstash';

export const config = { runtime: 'edge' };

const engine = Engine.openSync({ config: { maxmemory: '32mb', 'maxmemory-policy': 'allkeys-lru' } });
const handler = toFetchHandler(engine, { token: process.env.REDIS_TOKEN ?? 'local' });

export default async function (request: Request): Promise<Response> {
  const client = request.headers.get('x-forwarded-for') ?? 'local';
  const key = `limit:${client}:${Math.floor(Date.now() / 10_000)}`;
  if (engine.incr(key) > 100) return new Response('slow down', { status: 429 });
  engine.expire(key, 20);

  // The rest of the path is Upstash's: /api/get/key
  const url = new URL(request.url);
  url.pathname = url.pathname.replace(/^\/api/, '');
  return handler(new Request(url, request));
}
