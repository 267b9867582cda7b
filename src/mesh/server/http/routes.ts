import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../../time.ts'
import { answerCall } from '../answering.ts'
import type { Served } from '../table.ts'
import type { Traffic } from '../traffic.ts'

interface Tools {
  readonly clock: Clock
  readonly traffic: Traffic
}

interface Fields {
  readonly Params: Readonly<Record<string, string>>
  readonly Querystring: Readonly<Record<string, string | readonly string[]>>
}

/** Adds a route for each call. */
export function addCalls(app: FastifyInstance, all: readonly Served[], tools: Tools): void {
  for (const served of all) {
    const { method, path } = served.type
    app.route({
      method,
      url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      async handler(request, reply) {
        const { params, query, body, headers } = request as FastifyRequest<Fields>
        const asking = { received: { params, query, body }, headers, gone: () => goneSignal(reply) }
        const answer = await answerCall(served, asking, tools)
        return reply.code(answer.status).headers(answer.headers).send(answer.body)
      },
    })
  }
}

/** Aborts when the caller's connection, or its stream, ends before it has its answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return gone.signal
}
