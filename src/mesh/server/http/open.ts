import type { IncomingMessage, RequestListener } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { SkerryError } from '../../../errors.ts'
import { type Clock, inTime } from '../../../time.ts'
import { readJsonBody, refuseEncoding } from '../body.ts'
import { duplicateOf } from '../headers.ts'
import { defaultLimits, type Limits } from '../limits.ts'
import { listenAll } from '../listen.ts'
import { openapiOf } from '../openapi.ts'
import { problem } from '../problem.ts'
import type { CallServer, ServerOptions } from '../server.ts'
import { type CallTable, tableOf, unknownRoute } from '../table.ts'
import { createFront, type Front } from './front.ts'
import { Metrics } from './metrics.ts'
import { problemOfLibrary, refuseConnection, sendProblem } from './problems.ts'
import { addCalls } from './routes.ts'

/** How long clients with a kept connection may find out, by an answer on it, that it is the last one, in milliseconds. */
const partingMs = 100

/** Serves calls, probes, metrics and the description of the calls. Rejects with `invalid_config` where it cannot listen. */
export async function openHttp(options: ServerOptions): Promise<CallServer> {
  const { health, clock, callees } = options
  const limits = { ...defaultLimits, ...options.limits }
  let fronts: readonly Front[] = []
  const tls = options.address.kind === 'tcp' ? options.tls : undefined
  const metrics = new Metrics(options.traffic)
  const app = fastify({
    serverFactory(handler: RequestListener) {
      fronts = (options.ownPort ? [0, 1] : [0]).map(() => createFront(handler, limits, clock, tls))
      return (fronts[0] as Front).server
    },
    bodyLimit: limits.bodyBytes,
    routerOptions: { maxParamLength: 1024 },
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) =>
      sendProblem(reply as never, problemOfLibrary(error, undefined, limits)),
  })
  readBodies(app, limits, clock)
  guard(app)
  app.addHook('onSend', async (request, reply) => {
    // HTTP/2 knows no such header, though the library sets it where a body is too large: Node would warn of it.
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection')
    else if (health.stage === 'stopping') reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (_request, reply) => {
    metrics.answered(reply.statusCode)
  })
  app.setErrorHandler((error, { headers }, reply) =>
    sendProblem(reply, problemOfLibrary(error, headers['content-type'], limits)),
  )
  addOwn(app, options, metrics)
  const table = tableOf(callees, ownPaths)
  addCalls(app, table.all, options)
  answerUnknown(app, table)
  await app.ready()
  const servers = fronts.map(({ server }) => server)
  // Of the first one the library has seen to it.
  for (const server of servers.slice(1)) server.on('clientError', refuseConnection)
  const { unlink, ...urls } = await listenAll(servers, options, tls ? 'https' : 'http')
  return {
    ...urls,
    watch: (fact) => metrics.watch(fact),
    renewTls(tls) {
      for (const front of fronts) front.renewTls(tls)
    },
    async stop(graceMs) {
      const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.once('close', resolve))))
      for (const front of fronts) front.retire()
      unlink()
      const partingEndMs = Math.min(graceMs, partingMs)
      await inTime(clock, partingEndMs, closed)
      for (const front of fronts) front.part()
      await inTime(clock, graceMs - partingEndMs, closed)
      for (const front of fronts) front.cut()
      await closed
      await app.close()
    },
  }
}

const ownPaths = ['/livez', '/readyz', '/startupz', '/metrics', '/openapi.json']

function addOwn(app: FastifyInstance, { health, callees }: ServerOptions, metrics: Metrics): void {
  const probe = (path: string, trouble: () => string | undefined): void => {
    app.get(path, (_request, reply) => {
      const reason = trouble()
      reply.header('cache-control', 'no-store')
      if (reason === undefined) return reply.type('text/plain; charset=utf-8').send('ok\n')
      return sendProblem(reply, { problem: problem(503, 'unavailable', reason), retryAfterS: 1 })
    })
  }
  probe('/livez', () => undefined)
  probe('/readyz', () => health.readiness())
  probe('/startupz', () => health.startup())
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  const description = JSON.stringify(openapiOf(callees.map(({ contract }) => contract)))
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(description))
}

/** Bodies are JSON in UTF-8, as they are: nothing else is guessed. */
function readBodies(app: FastifyInstance, limits: Limits, clock: Clock): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    return readJsonBody(request.headers['content-type'], body)
  })
  app.addHook('onRequest', async ({ headers }) => refuseEncoding(headers))
  // HTTP/1.1 has its own time for requests; a stream of HTTP/2 has none.
  app.addHook('preParsing', async ({ raw }: FastifyRequest, _reply, payload) => {
    const { stream } = raw as IncomingMessage & { stream?: ServerHttp2Stream }
    if (!stream) return payload
    const late = clock.after(limits.requestMs, () => stream.close(), { background: true })
    stream.once('close', () => late.cancel())
    raw.once('end', () => late.cancel())
    return payload
  })
}

/** What two readers of a request could understand in two ways is refused. */
function guard(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    const twice = duplicateOf(raw.rawHeaders)
    if (twice !== undefined) throw new SkerryError('invalid_request', `header ${twice} is there twice`)
    if (raw.httpVersionMajor === 1 && raw.httpVersion !== '1.0' && raw.headers.host === undefined)
      throw new SkerryError('invalid_request', 'header host is missing')
  })
}

function answerUnknown(app: FastifyInstance, table: CallTable): void {
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const [path = ''] = request.url.split('?')
    const { problem, allowed } = unknownRoute(table, request.method, path)
    if (allowed.length > 0) reply.header('allow', (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', '))
    return sendProblem(reply, { problem, retryAfterS: undefined })
  })
}
