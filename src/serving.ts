import { existsSync, readFileSync } from 'node:fs'
import type { Invocation } from './call.ts'
import { lockFile, readLock } from './contracts/lock.ts'
import { protoOf } from './contracts/proto.ts'
import { openGrpc, openHttp } from './engines.ts'
import { SkerryError } from './errors.ts'
import { randomIdentity, seededRandom } from './ids.ts'
import type { RegistryDiscovery } from './mesh/discovery/registry/client.ts'
import type { ConcurrencyPolicy } from './mesh/resilience/concurrency-limit.ts'
import { addressOf } from './mesh/server/address.ts'
import type { Callee } from './mesh/server/callee.ts'
import { openFrames } from './mesh/server/frames.ts'
import { Health } from './mesh/server/health.ts'
import type { Limits } from './mesh/server/limits.ts'
import type { CallServer } from './mesh/server/server.ts'
import { renewedTls, type ServerTls } from './mesh/server/tls.ts'
import { Traffic } from './mesh/server/traffic.ts'
import { Unbegun } from './mesh/server/unbegun.ts'
import { Registering, type RegistryOptions, urlIn } from './registering.ts'
import type { AnyService } from './service.ts'
import type { Watcher } from './telemetry.ts'
import { type Clock, pause } from './time.ts'

export interface HttpOptions extends Partial<Limits> {
  /** `8080`, `127.0.0.1:8080`, `unix:/run/orders.sock`; port 0 is any that is free. @default '127.0.0.1:0' */
  readonly address?: string
  /**
   * Other processes listen on the same port; the system hands connections to all of them. A registry is told of a free port of the
   * same host instead, where this process listens alone, unless it is told what to say. @default false
   */
  readonly shared?: boolean
}

export interface FramesOptions extends Partial<Pick<Limits, 'bodyBytes' | 'requestMs'>> {
  /** `7001`, `127.0.0.1:7001`, `unix:/run/orders.frames`; port 0 is any that is free. @default '127.0.0.1:0' */
  readonly address?: string
  /** As with `HttpOptions`. @default false */
  readonly shared?: boolean
}

export interface GrpcOptions {
  /** `50051`, `127.0.0.1:50051`; port 0 is any that is free. @default '127.0.0.1:0' */
  readonly address?: string
  /** The lock that has the numbers of fields. @default 'contracts.lock.json' in the working folder */
  readonly lock?: string | URL
}

/** Where calls come in; nowhere for what is undefined. */
export interface Doors {
  readonly http?: string | HttpOptions | undefined
  readonly frames?: string | FramesOptions | undefined
  readonly grpc?: string | GrpcOptions | undefined
  /** Encrypts what goes over ports. */
  readonly tls?: ServerTls | undefined
  /** How many calls are answered at a time, by all doors together. */
  readonly concurrency?: Partial<ConcurrencyPolicy> | false | undefined
  /** Where those that serve over HTTP or by frames are made known. */
  readonly registry?: RegistryOptions | undefined
}

/** The registry of a process, and what is told to it. */
export interface Telling {
  readonly discovery: RegistryDiscovery
  readonly options: RegistryOptions
}

/** Whoever answers the calls of one service once it runs. */
export interface Answering {
  invoke(invocation: Invocation): Promise<string>
}

/** How long clients may take to hear that an instance leaves, in milliseconds; it still takes their calls meanwhile. */
const heardMs = 300

/** The doors through which calls come in: open before the services start, so that probes are answered from then on. */
export class Serving {
  readonly #health: Health
  readonly #answering = new Map<string, Answering>()
  readonly #running = new Map<string, number>()
  readonly #register: Telling | undefined
  readonly #clock: Clock
  readonly #tls: ServerTls | undefined
  #registering: Registering | undefined
  #refusing = false
  #http: CallServer | undefined
  #frames: CallServer | undefined
  #grpc: CallServer | undefined

  private constructor(
    trouble: () => string | undefined,
    register: Telling | undefined,
    clock: Clock,
    tls: ServerTls | undefined,
  ) {
    this.#tls = tls
    this.#health = new Health(trouble)
    this.#register = register
    this.#clock = clock
  }

  /** `trouble` says why the services cannot work, if so; `watcher` is told when calls are turned away. */
  static async open(
    services: readonly AnyService[],
    { http, frames, grpc, concurrency = {}, tls }: Omit<Doors, 'registry'>,
    registry: Telling | undefined,
    clock: Clock,
    { trouble, watcher }: { readonly trouble: () => string | undefined; readonly watcher: Watcher },
  ): Promise<Serving | undefined> {
    if ([http, frames, grpc, registry].every((one) => one === undefined)) return undefined
    const self = new Serving(trouble, registry, clock, tls)
    const callees = services.map((service) => self.#calleeOf(service))
    const random = seededRandom(randomIdentity())
    const common = {
      callees,
      health: self.#health,
      clock,
      traffic: new Traffic({ clock, random, limit: concurrency, watcher }),
      ...(tls && { tls }),
    }
    try {
      const { advertise, advertiseFrames } = registry?.options ?? {}
      const telling = (said: string | undefined): boolean => registry !== undefined && said === undefined
      if (http !== undefined)
        self.#http = await openHttp({ ...common, ...listeningOptions(http, telling(urlIn(advertise))) })
      if (frames !== undefined)
        self.#frames = await openFrames({ ...common, ...listeningOptions(frames, telling(advertiseFrames)) })
      if (grpc !== undefined) self.#grpc = await openGrpc({ ...common, ...grpcOptions(grpc, services) })
      return self
    } catch (error) {
      await self.stop(0)
      throw error
    }
  }

  get url(): string | undefined {
    return this.#http?.url
  }

  get framesUrl(): string | undefined {
    return this.#frames?.url
  }

  get grpcUrl(): string | undefined {
    return this.#grpc?.url
  }

  /** Hands facts on, and counts them. */
  watching(watcher: Watcher): Watcher {
    return (fact) => {
      this.#http?.watch(fact)
      watcher(fact)
    }
  }

  /** From the next connection on, whatever the door. Throws `invalid_config`, and changes nothing then. */
  static renewTls(self: Serving | undefined, tls: ServerTls): void {
    if (!self) return void renewedTls(undefined, tls)
    const renewed = renewedTls(self.#tls, tls)
    for (const server of [self.#http, self.#frames, self.#grpc]) server?.renewTls(renewed)
  }

  /** From now on calls are answered. */
  started(services: readonly { readonly service: AnyService; readonly calls: Answering }[]): void {
    for (const { service, calls } of services) this.#answering.set(service.name, calls)
    this.#health.started()
    if (!this.#register) return
    const names = services.filter(({ service }) => service.calls.size > 0).map(({ service }) => service.name)
    const listening = { url: this.#http?.ownUrl ?? this.url, frames: this.#frames?.ownUrl ?? this.framesUrl }
    const loadOf = (name: string): number => this.#running.get(name) ?? 0
    const { discovery, options } = this.#register
    // Who only calls others has nothing to tell.
    if (names.length > 0 && options.tell !== false)
      this.#registering = new Registering(discovery, options, names, listening, loadOf)
  }

  /** Refuses new calls, lets those under way end within so many milliseconds, and closes. */
  async stop(graceMs: number): Promise<void> {
    this.#health.stopping()
    if (this.#registering) {
      this.#registering.leaving()
      await pause(this.#clock, Math.min(graceMs, heardMs))
    }
    this.#refusing = true
    await Promise.all([this.#http, this.#frames, this.#grpc].map((server) => server?.stop(graceMs)))
    this.#registering?.close()
  }

  #calleeOf({ contract, name }: AnyService): Callee {
    return {
      contract,
      invoke: async (invocation) => {
        const calls = this.#answering.get(name)
        if (this.#refusing) throw new Unbegun('leaving', `${name} is stopping`)
        if (!calls) throw new Unbegun('starting', `${name} is starting`)
        this.#running.set(name, (this.#running.get(name) ?? 0) + 1)
        try {
          return await calls.invoke(invocation)
        } finally {
          this.#running.set(name, (this.#running.get(name) ?? 0) - 1)
        }
      },
    }
  }
}

/** Whoever is told of this process is to reach it, not one of those that share its port. */
function listeningOptions(given: string | HttpOptions | FramesOptions, isTold: boolean) {
  const {
    address: text = '127.0.0.1:0',
    shared = false,
    ...limits
  } = typeof given === 'string' ? { address: given } : given
  const address = addressOf(text)
  const ownPort = isTold && shared && address.kind === 'tcp' && address.port !== 0
  return { address, limits, shared, ownPort }
}

function grpcOptions(given: string | GrpcOptions, services: readonly AnyService[]) {
  const { address = '127.0.0.1:0', lock: file = lockFile } = typeof given === 'string' ? { address: given } : given
  if (!existsSync(file))
    throw new SkerryError('not_found', `gRPC needs the numbers of ${file}; write it with: skerry contracts lock`)
  const lock = readLock(readFileSync(file, 'utf8'), String(file))
  const protos = services
    .filter(({ calls }) => calls.size > 0)
    .map(({ contract, name }) => protoOf(contract, lock.services[name]?.numbers ?? {}))
  return { address: addressOf(address), protos }
}
