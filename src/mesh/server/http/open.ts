import type { IncomingMessage, RequestListener } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { info } from '../../../contract.ts'
import { SkerryError } from '../../../errors.ts'
import { type Clock, inTime } from '../../../time.ts'
import type { Callee } from '../callee.ts'
import { duplicateOf } from '../headers.ts'
import { parseJson } from '../json.ts'
import { defaultLimits, type Limits } from '../limits.ts'
import { openapiOf } from '../openapi.ts'
import { problem } from '../problem.ts'
import type { CallServer, ServerOptions } from '../server.ts'
import { createFront, type Front } from './front.ts'
import { listen } from './listen.ts'
import { Metrics } from './metrics.ts'
import { problemOfLibrary, refuseConnection, sendProblem } from './problems.ts'
import { addCalls } from './routes.ts'

/** Serves calls, probes, metrics and the description of the calls. Rejects with `invalid_config` where it cannot listen. */
export async function openHttp(options: ServerOptions): Promise<CallServer> {
  const { health, clock, callees } = options
  const limits = { ...defaultLimits, ...options.limits }
  let front: Front | undefined
  const metrics = new Metrics()
  const app = fastify({
    serverFactory(handler: RequestListener) {
      front = createFront(handler, limits, clock)
      return front.server
    },
    bodyLimit: limits.bodyBytes,
    routerOptions: { maxParamLength: 1024 },
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => sendProblem(reply as never, problemOfLibrary(error)),
  })
  readBodies(app, limits, clock)
  guard(app)
  app.addHook('onSend', async (request, reply) => {
    if (health.stage === 'stopping' && request.raw.httpVersionMajor === 1) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (_request, reply) => {
    metrics.answered(reply.statusCode)
  })
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, problemOfLibrary(error)))
  addOwn(app, options, metrics)
  addCalls(app, callees, ownPaths, { clock, metrics })
  answerUnknown(app, callees)
  await app.ready()
  const { server, retire, cut } = front as unknown as Front
  const listening = await listen(server, options.address, options.shared ?? false)
  return {
    url: listening.url,
    watch: (fact) => metrics.watch(fact),
    async stop(graceMs) {
      const closed = new Promise<void>((resolve) => server.once('close', resolve))
      retire()
      listening.unlink()
      await inTime(clock, graceMs, closed)
      cut()
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
    const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '') ?? []
    if (charset.toLowerCase() !== 'utf-8') throw unsupported(`charset ${charset}: send JSON in UTF-8`)
    // A body that is there, and empty, is none.
    return body.length === 0 ? undefined : parseJson(body)
  })
  app.addHook('onRequest', async ({ headers }) => {
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      throw unsupported(`content-encoding ${encoding}: send it as it is`)
  })
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

const unsupported = (why: string): SkerryError => new SkerryError('unsupported_media_type', why)

/** What two readers of a request could understand in two ways is refused. */
function guard(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    const twice = duplicateOf(raw.rawHeaders)
    if (twice !== undefined) throw new SkerryError('invalid_request', `header ${twice} is there twice`)
    if (raw.httpVersionMajor === 1 && raw.httpVersion !== '1.0' && raw.headers.host === undefined)
      throw new SkerryError('invalid_request', 'header host is missing')
  })
}

/** No route: because of the path, or of the method alone. */
function answerUnknown(app: FastifyInstance, callees: readonly Callee[]): void {
  const shapes = callees
    .flatMap(({ contract }) => [...contract[info].calls.values()])
    .map(({ method, path }) => ({ method, shape: new RegExp(`^${patternOf(path)}$`) }))
  const own = ownPaths.map((path) => ({ method: 'GET', shape: new RegExp(`^${patternOf(path)}$`) }))
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const [path = ''] = request.url.split('?')
    const allowed = [...shapes, ...own].filter(({ shape }) => shape.test(path)).map(({ method }) => method as string)
    if (allowed.length === 0)
      return sendProblem(reply, {
        problem: problem(404, 'not_found', `no call has the path ${path.slice(0, 200)}`),
        retryAfterS: undefined,
      })
    if (allowed.includes('GET')) allowed.push('HEAD')
    reply.header('allow', [...new Set(allowed)].join(', '))
    const detail = `${request.method} is not for this path`
    return sendProblem(reply, { problem: problem(405, 'method_not_allowed', detail), retryAfterS: undefined })
  })
}

const patternOf = (path: string): string => path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')
