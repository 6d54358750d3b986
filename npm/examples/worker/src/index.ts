/**
 * Redis at the edge, in three ways:
 *
 * /db/<name>/…        a database per name. Upstash's REST protocol (`new Redis({ url: 'https://…/db/main', token })`),
 *                     RESP over a WebSocket at …/resp, messages as JSON at …/subscribe/<channel>
 * /hit/<page>         a counter, by calls from this Worker
 * /cart/<user>/<item> one store over eight objects, a user's keys together
 */
import { Cluster, connect, RedisObject } from 'redstart/durable-object';
import { accessOf, unauthorized } from 'redstart/upstash';

interface Env {
  REDIS: DurableObjectNamespace;
  REDIS_TOKEN: string;
  REDIS_READ_ONLY_TOKEN?: string;
}

export class Redis extends RedisObject<Env> {}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const [way, name = '', ...rest] = url.pathname.split('/').slice(1);
    switch (way) {
      case 'db': {
        // The object looks at the token as well; here it keeps strangers from making objects.
        if (!env.REDIS_TOKEN || !accessOf(request, { token: env.REDIS_TOKEN, readOnlyToken: env.REDIS_READ_ONLY_TOKEN })) return unauthorized();
        url.pathname = rest.join('/');
        return env.REDIS.get(env.REDIS.idFromName(name)).fetch(new Request(url, request));
      }
      case 'hit': {
        const store = connect(env.REDIS, 'counters');
        // Called in one turn, they are one RPC, and run in this order.
        const [hits, , visitors] = await Promise.all([
          store.incr(`hits:${name}`),
          store.pfadd(`visitors:${name}`, request.headers.get('cf-connecting-ip') ?? 'local'),
          store.pfcount(`visitors:${name}`),
        ]);
        return Response.json({ hits, visitors });
      }
      case 'cart': {
        const store = new Cluster(env.REDIS, { name: 'carts', shards: 8 });
        const [item = 'apple'] = rest;
        const [count, all] = await store
          .multi()
          .hincrby(`cart:{${name}}`, item, 1)
          .hgetall(`cart:{${name}}`)
          .expire(`cart:{${name}}`, 7 * 24 * 3600)
          .exec();
        return Response.json({ item, count, all });
      }
      default:
        return new Response('/db/<name>/…, /hit/<page>, /cart/<user>/<item>\n', { status: way === '' ? 200 : 404 });
    }
  },
};
