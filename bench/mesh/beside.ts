/** Who answers, and who stands in between: started once for all callers of a scenario. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Part, type PartOptions, startPart } from '../second.ts'
import { missingProxy, startProxy } from './proxies.ts'

export type Beside =
  | 'http'
  | 'frames'
  | 'grpc-js'
  | 'grpc'
  | 'moleculer'
  | 'sockets'
  | 'desk'
  | 'fastify'
  | 'nginx'
  | 'haproxy'

/** Ports on the loopback interface. */
export type Addresses = Readonly<Partial<Record<Beside, readonly number[]>>>

/** What one needs to run: its server, and, for a proxy, the one behind it. In the order in which they are started. */
const programs: Readonly<Record<Exclude<Beside, 'nginx' | 'haproxy'>, string>> = {
  http: 'mesh/servers/http.ts',
  frames: 'mesh/servers/frames.ts',
  'grpc-js': 'mesh/servers/grpc-js.ts',
  grpc: 'mesh/servers/grpc.ts',
  moleculer: 'peers/moleculer-server.ts',
  sockets: 'mesh/servers/sockets.ts',
  desk: 'mesh/servers/desk.ts',
  fastify: 'mesh/servers/fastify.ts',
}

export interface Standing {
  readonly ports: readonly number[]
  readonly pid: number
  stop(): Promise<void>
}

/** Why one cannot be had on this machine. */
export function missing(name: Beside): string | undefined {
  return name === 'nginx' || name === 'haproxy' ? missingProxy(name) : undefined
}

export async function stand(
  name: Beside,
  standing: ReadonlyMap<Beside, Standing>,
  folder: string,
  { core, flags }: PartOptions,
): Promise<Standing> {
  if (name !== 'nginx' && name !== 'haproxy') return standServer(name, { core, flags })
  const [upstream] = standing.get('http')?.ports ?? []
  if (upstream === undefined) throw new Error(`${name} needs http before it`)
  const at = join(folder, name)
  const server = await startProxy(name, at, upstream, core)
  const stop = async (): Promise<void> => {
    await server.stop()
    await rm(at, { recursive: true, force: true })
  }
  return { ports: [server.address.port], pid: server.pid, stop }
}

async function standServer(name: keyof typeof programs, options: PartOptions): Promise<Standing> {
  const part: Part = startPart(join(import.meta.dirname, '..', programs[name]), 'server', null, options)
  const ports = await part.next<readonly number[]>()
  const stop = async (): Promise<void> => {
    part.ask()
    await part.ended()
  }
  return { ports, pid: part.pid, stop }
}
