// What answers where no route does: 405 with the methods of a known path, else 404.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BusError } from '../protocol/errors.ts';

/** Keeps every route that is registered from now on; returns the methods of a path, encoded as it came. */
export function collectMethods(app: FastifyInstance): (path: string) => string[] {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    let route = routes.get(url);
    if (!route) {
      const pattern = url
        .replaceAll('.', '\\.')
        .replace(/:[a-z_]+/g, '[^/]+')
        .replace('*', '.*');
      route = { pattern: new RegExp(`^${pattern}$`), methods: new Set() };
      routes.set(url, route);
    }
    for (const name of [method].flat()) route.methods.add(name);
  });
  return (path) => {
    // A path that a route spells out is nobody's parameter: `send` in /messages/send is no message id.
    const own = routes.get(path);
    const matching = own ? [own] : [...routes.values()].filter((route) => route.pattern.test(path));
    return [...new Set(matching.flatMap((route) => [...route.methods]))].sort();
  };
}

export function createNotFoundHandler(methodsOf: (path: string) => string[]) {
  return (request: FastifyRequest, reply: FastifyReply): never => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = methodsOf(path);
    if (methods.length === 0 || methods.includes(request.method)) {
      throw new BusError('ROUTE_NOT_FOUND', 'There is no such route; GET /openapi.json lists them all.');
    }
    reply.header('allow', methods.join(', '));
    throw new BusError('METHOD_NOT_ALLOWED', `This path does not take ${request.method}; use ${methods.join(' or ')}.`);
  };
}
