import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AnyCall } from '../../../call.ts'
import { info } from '../../../contract.ts'
import { SkerryError } from '../../../errors.ts'
import type { Clock } from '../../../time.ts'
import type { Callee } from '../callee.ts'
import { readAbout, timingHeaders } from '../headers.ts'
import { planInput, readInput } from '../input.ts'
import { checkJson } from '../json.ts'
import { problemOf } from '../problem.ts'
import type { Metrics } from './metrics.ts'
import { sendProblem } from './problems.ts'

interface Tools {
  readonly clock: Clock
  readonly metrics: Metrics
}

/** Adds a route for each call. Throws `invalid_config` naming two of the same route. */
export function addCalls(
  app: FastifyInstance,
  callees: readonly Callee[],
  taken: readonly string[],
  tools: Tools,
): void {
  const routes = new Map<string, string>(taken.map((path) => [`GET ${path}`, 'the server itself']))
  for (const callee of callees)
    for (const type of callee.contract[info].calls.values()) {
      const shape = `${type.method} ${type.path.replaceAll(/\{\w+\}/g, '{}')}`
      const other = routes.get(shape)
      if (other !== undefined)
        throw new SkerryError(
          'invalid_config',
          `${type.method} ${type.path}: both ${other} and ${type.label} have this route`,
        )
      routes.set(shape, type.label)
      addCall(app, callee, type, tools)
    }
}

interface Fields {
  readonly Params: Readonly<Record<string, string>>
  readonly Querystring: Readonly<Record<string, string | readonly string[]>>
}

function addCall(app: FastifyInstance, callee: Callee, type: AnyCall, { clock, metrics }: Tools): void {
  const plan = planInput(type)
  app.route({
    method: type.method,
    url: type.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    async handler(request, reply) {
      const came = clock.monotonic()
      let read = came
      const timing = (): Record<string, string> => timingHeaders(read - came, clock.monotonic() - read)
      try {
        const { params, query, body } = request as FastifyRequest<Fields>
        const input = readInput(plan, { params, query, body })
        checkJson(input)
        const about = readAbout(request.headers)
        read = clock.monotonic()
        const text = await metrics.during(
          callee.invoke({ ...about, call: type.name, input, signal: goneSignal(reply) }),
        )
        return reply.headers({ 'content-type': 'application/json; charset=utf-8', ...timing() }).send(text)
      } catch (error) {
        return sendProblem(reply.headers(timing()), problemOf(error))
      }
    },
  })
}

/** Aborts when the caller's connection, or its stream, ends before it has its answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return gone.signal
}
