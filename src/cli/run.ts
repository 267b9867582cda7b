import type { EngineOptions } from '../engines.ts'
import { messageOf } from '../errors.ts'
import { addressOf } from '../mesh/server/address.ts'
import type { ServerTls } from '../mesh/server/tls.ts'
import type { AnyService } from '../service.ts'
import { wholeNumber } from './arguments.ts'
import { calleeOption, givenCallees } from './callees.ts'
import { type Command, type Invocation, many } from './command.ts'
import { UsageError } from './failure.ts'
import { keepHeapSmall } from './heap.ts'
import { registryOptions } from './meeting.ts'
import { refuse, serve } from './serve.ts'
import { loadServices } from './services.ts'
import { placesOf } from './site.ts'
import { supervise } from './supervisor.ts'
import { tellingOf, tellingOptions } from './telling.ts'
import { givenTls, tlsOptions } from './tls.ts'

export const run: Command = {
  name: 'run',
  usage:
    'run SERVICE… [--processes N] [--http ADDRESS] [--frames ADDRESS] [--grpc ADDRESS] [--registry URL] [--callee SERVICE=ADDRESS]… [--rules FILE] [--keep-hours N] [--keep-mib N]',
  summary: 'run services until SIGTERM or Ctrl-C; a service is a module that exports it, or its folder',
  details: `All services run in one process; with --processes N in each of N, which share their work, and the ports of --http
and --frames. A process that dies is started again, one that does not answer for 10 seconds is ended first.
SIGTERM lets running handlers finish; a second signal ends it at once. SIGHUP has the files of --tls-cert,
--tls-key and --tls-ca read again. Services that answer calls do so over HTTP, on a free port of 127.0.0.1 unless
--http says otherwise; probes and metrics are there, too; with --registry, or SKERRY_REGISTRY, a registry is told
where. Services that handlers call are found by that registry, or where --callee says, which goes first. Without
--keep-hours or --keep-mib nothing is ever dropped from the bus; with them only what every registered subscription
has passed.`,
  options: {
    processes: { type: 'string', value: 'N', help: 'how many processes run all of them (default 1)' },
    http: {
      type: 'string',
      value: 'ADDRESS',
      help: '8080, 0.0.0.0:8080, unix:/run/orders.sock, or off (default 127.0.0.1:0 where there are calls, or SKERRY_HTTP)',
    },
    frames: {
      type: 'string',
      value: 'ADDRESS',
      help: 'serve calls to other services by frames, too: 7001, 0.0.0.0:7001, unix:/run/orders.frames (default off, or SKERRY_FRAMES)',
    },
    grpc: {
      type: 'string',
      value: 'ADDRESS',
      help: 'serve calls over gRPC, too, with the numbers of contracts.lock.json (default off, or SKERRY_GRPC)',
    },
    callee: calleeOption,
    rules: {
      type: 'string',
      value: 'FILE',
      help: 'routes, subsets and policies of the services that are called, YAML or JSON (default SKERRY_RULES)',
    },
    ...tlsOptions(
      'who signed the certificates of clients, which must show one then, of services that are called, and of a registry; PEM',
      'certificate of what is served over ports, PEM: HTTPS, frames at tls://, gRPC within TLS',
    ),
    ...registryOptions,
    ...tellingOptions,
    'keep-hours': { type: 'string', value: 'N', help: 'drop handled events that are older than N hours' },
    'keep-mib': { type: 'string', value: 'N', help: 'drop the oldest handled events of a stream beyond N MiB' },
    supervised: { type: 'boolean', help: '' },
  },
  takes: [1, many],
  run: runServices,
}

/** The hidden option that tells a process that it is one of several. */
export const supervisedOption = '--supervised'

async function runServices(invocation: Invocation): Promise<number> {
  const { values, out, args } = invocation
  const engine: EngineOptions = { ...invocation.engine, retention: retentionOf(values) }
  placesOf(engine)
  const at = givenCallees(values)
  const processes = wholeNumber(values, 'processes', 1) ?? 1
  // Files of a service that runs may be in the midst of being replaced; before it has run they are wrong.
  if (values.supervised === true) return runHere(invocation, engine, at).catch((error) => refuse(error, true, out))
  if (processes === 1) return runHere(invocation, engine, at)
  refuseUnshareable(values)
  return supervise({ processes, args: [...args, supervisedOption], out, hangups: givenTls(values).cert !== undefined })
}

async function runHere(
  invocation: Invocation,
  engine: EngineOptions,
  at: ReturnType<typeof givenCallees>,
): Promise<number> {
  const { positionals, values, out } = invocation
  keepHeapSmall()
  const services = await loadServices(positionals)
  const http = httpOf(values, services)
  const frames = doorOf(values, 'frames')
  const own = givenTls(values)
  const { cert, key, ca } = own
  const tls = cert && key ? { cert, key, ...(ca && { ca }) } : undefined
  // What answers calls nowhere must not be told of; it finds others by the registry all the same.
  const tell = http !== undefined || frames !== undefined
  const doors = {
    http,
    frames,
    grpc: doorOf(values, 'grpc'),
    registry: tellingOf(invocation, tell),
    tls,
  }
  const rules = values.rules ?? (process.env.SKERRY_RULES || undefined)
  const callees = { tls: own, ...(at && { at }), ...(rules !== undefined && { rules: String(rules) }) }
  const readTls = tls && ((): ServerTls => givenTls(values) as ServerTls)
  return serve(services, { engine, out, supervised: values.supervised === true, doors, callees, readTls })
}

/** Where calls are served; nowhere without calls, unless an address is given. */
export function httpOf(values: Invocation['values'], services: readonly AnyService[]): string | undefined {
  const given = values.http ?? (process.env.SKERRY_HTTP || undefined)
  if (given === undefined) return services.some(({ calls }) => calls.size > 0) ? '127.0.0.1:0' : undefined
  return checkedAddress(String(given))
}

/** Several processes can listen on one port, by HTTP and frames; on nothing else. */
function refuseUnshareable(values: Invocation['values']): void {
  for (const name of ['http', 'frames', 'grpc'] as const) {
    const given = doorOf(values, name)
    if (given === undefined) continue
    const address = addressOf(given)
    const what =
      address.kind === 'unix' ? 'socket' : name === 'grpc' && address.port !== 0 ? 'port for gRPC' : undefined
    if (what === undefined) continue
    const remedy = name === 'grpc' ? '--grpc 0, which is a free port for each' : `--${name} with a port`
    throw new UsageError(
      `--${name} ${given}: several processes cannot share a ${what}; give ${remedy}, or run one process`,
    )
  }
}

const doorOf = (values: Invocation['values'], name: 'http' | 'frames' | 'grpc'): string | undefined =>
  checkedAddress(String(values[name] ?? (process.env[`SKERRY_${name.toUpperCase()}`] || 'off')))

function checkedAddress(given: string): string | undefined {
  if (given === 'off') return undefined
  try {
    addressOf(given)
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
  return given
}

/** What the bus may drop, as the options word it; nothing without them. */
export function retentionOf(values: Invocation['values']): NonNullable<EngineOptions['retention']> {
  const hours = wholeNumber(values, 'keep-hours', 1)
  const mib = wholeNumber(values, 'keep-mib', 1)
  return {
    ...(hours !== undefined && { ageMs: hours * 3_600_000 }),
    ...(mib !== undefined && { bytes: mib * 1024 * 1024 }),
  }
}
