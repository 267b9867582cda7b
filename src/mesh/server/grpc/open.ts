import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import type { AnyCall } from '../../../call.ts'
import { info } from '../../../contract.ts'
import { codeOf, messageOf, SkerryError } from '../../../errors.ts'
import { type Clock, inTime } from '../../../time.ts'
import { definitionsOf, methodOf } from '../../grpc/definitions.ts'
import { urlOf } from '../address.ts'
import type { Callee } from '../callee.ts'
import { wired } from '../errors.ts'
import { type Headers, readAbout, readPriority, timingHeaders, unbegunHeader } from '../headers.ts'
import { checkJson } from '../json.ts'
import { defaultLimits } from '../limits.ts'
import { mayLackNulls, withNulls } from '../nulls.ts'
import { problemOf } from '../problem.ts'
import type { CallServer, ServerOptions } from '../server.ts'
import { RenewableCredentials } from './credentials.ts'
import { areFields } from './wire.ts'

export interface GrpcOptions extends ServerOptions {
  /** The `.proto` of each callee. */
  readonly protos: readonly string[]
}

/** Serves the same calls over gRPC, with reflection and the standard health service. Rejects with `invalid_config`. */
export async function openGrpc(options: GrpcOptions): Promise<CallServer> {
  const { callees, health, clock, protos } = options
  const limits = { ...defaultLimits, ...options.limits }
  const server = new Server({ 'grpc.max_receive_message_length': limits.bodyBytes })
  const definitions = definitionsOf(protos)
  const services = Object.entries(definitions).flatMap(([name, one]) =>
    'format' in one ? [] : [[name, one as unknown as ServiceDefinition] as const],
  )
  for (const [name, definition] of services) {
    const callee = callees.find(({ contract }) => name.startsWith(`${contract[info].name.replaceAll('-', '_')}.`))
    if (callee) server.addService(readable(definition), handlersOf(callee, options))
  }
  new ReflectionService(definitions as never).addToServer(server)
  const names = ['', ...services.map(([name]) => name)]
  const states = new HealthImplementation(Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])))
  states.addToServer(server)
  health.onChange((stage) => {
    for (const name of names) states.setStatus(name, stage === 'serving' ? 'SERVING' : 'NOT_SERVING')
  })
  const secure = options.tls && new RenewableCredentials(options.tls)
  const url = await bind(server, options, secure)
  return {
    url,
    watch: () => {},
    renewTls: (tls) => secure?.renew(tls),
    async stop(graceMs) {
      const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
      if (!(await inTime(clock, graceMs, ended))) server.forceShutdown()
    },
  }
}

function bind(server: Server, { address }: GrpcOptions, secure: ServerCredentials | undefined): Promise<string> {
  if (address.kind === 'unix')
    throw new SkerryError('invalid_config', `${urlOf(address)}: gRPC listens on ports only; give one`)
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const scheme = secure ? 'grpcs' : 'grpc'
  const credentials = secure ?? ServerCredentials.createInsecure()
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${address.port}`, credentials, (cause, port) => {
      if (!cause) return resolve(`${scheme}://${host}:${port}`)
      const message = `${scheme}://${host}:${address.port}: cannot listen: ${messageOf(cause)}; choose another address`
      reject(new SkerryError('invalid_config', message, { cause }))
    })
  })
}

/** What came in the place of a message. */
class Unreadable {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** The library takes bytes that are no message for a fault of the server: here they are handed on as what they are. */
function readable(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return areFields(bytes) ? method.requestDeserialize(bytes) : new Unreadable('it ends too early')
      } catch (cause) {
        return new Unreadable(cause)
      }
    }
    return [name, { ...method, requestDeserialize }]
  })
  return Object.fromEntries(methods)
}

function handlersOf(callee: Callee, options: GrpcOptions): Record<string, handleUnaryCall<unknown, unknown>> {
  const types = [...callee.contract[info].calls.values()]
  return Object.fromEntries(types.map((type) => [methodOf(type), handlerOf(callee, type, options)]))
}

function handlerOf(callee: Callee, type: AnyCall, { clock, traffic }: GrpcOptions): handleUnaryCall<unknown, unknown> {
  const schema = type.inputSchema()
  const fills = mayLackNulls(schema, schema)
  return async (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => {
    const came = clock.monotonic()
    let read = came
    const timing = (): Metadata => timed(read - came, clock.monotonic() - read)
    const gone = new AbortController()
    const cancelled = (): void => gone.abort()
    call.once('cancelled', cancelled)
    try {
      const headers = headersOf(call.metadata)
      const leftUs = (): boolean => gone.signal.aborted
      const text = await traffic.during(readPriority(headers), leftUs, async () => {
        if (call.request instanceof Unreadable) {
          const { cause } = call.request
          throw new SkerryError('invalid_request', `${type.label}: its message is none (${messageOf(cause)})`, {
            cause,
          })
        }
        const input = fills ? withNulls(call.request, schema, schema) : call.request
        checkJson(input)
        const about = { ...readAbout(headers), ...deadlineOf(call, clock) }
        read = clock.monotonic()
        return callee.invoke({ ...about, call: type.name, input, signal: gone.signal })
      })
      const output = JSON.parse(text)
      // The library says "cancelled" at the end of calls that were answered, too.
      call.off('cancelled', cancelled)
      answer(null, output, timing())
    } catch (error) {
      answer(statusOf(error, timing()))
    }
  }
}

/** The server's share of the time, which HTTP tells in a header. */
function timed(requestMs: number, responseMs: number): Metadata {
  const trailers = new Metadata()
  for (const [name, value] of Object.entries(timingHeaders(requestMs, responseMs))) trailers.set(name, value)
  return trailers
}

function headersOf(metadata: Metadata): Headers {
  const headers: Record<string, string> = {}
  const map = metadata.getMap()
  for (const name in map) {
    const value = map[name]
    if (typeof value === 'string') headers[name] = value
  }
  return headers
}

function deadlineOf(call: ServerUnaryCall<unknown, unknown>, clock: Clock): { readonly deadlineMs?: number } {
  const deadline = Number(call.getDeadline())
  return Number.isFinite(deadline) ? { deadlineMs: Math.max(0, deadline - clock.wall()) } : {}
}

/** The problem document goes along, for what a status cannot say. */
function statusOf(error: unknown, metadata: Metadata): StatusObject {
  const { problem, retryAfterS, unbegun } = problemOf(error)
  metadata.set('skerry-problem-bin', Buffer.from(JSON.stringify(problem)))
  if (retryAfterS !== undefined) metadata.set('grpc-retry-pushback-ms', String(retryAfterS * 1000))
  if (unbegun !== undefined) metadata.set(unbegunHeader, unbegun)
  return { code: wired(codeOf(error)).grpc, details: problem.detail ?? '', metadata }
}
