import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { SkerryError } from './errors.ts'
import { randomIdentity, seededRandom } from './ids.ts'
import { type Registered, RegistryDiscovery } from './mesh/discovery/registry/client.ts'
import { unwatched, type Watcher } from './telemetry.ts'
import type { Clock } from './time.ts'

/** How a process makes its calls known. */
export interface RegistryOptions {
  /** `unix:/run/skerry/registry.sock`, `tcp://10.0.0.7:7300`, `tls://registry.internal:7300`. */
  readonly address: string
  /** What everybody who may register and look knows, at least 16 characters. */
  readonly secret: string
  readonly tls?: TlsOptions
  /**
   * Where others reach this process: a host (`10.0.0.7`, `orders-1.internal`), whatever it is spoken to by; or a URL, over HTTP.
   * Who listens at all addresses (`0.0.0.0`, `[::]`) must say. @default where it listens
   */
  readonly advertise?: string
  /** And by frames, as a URL. @default the host of `advertise`, or where it listens for them */
  readonly advertiseFrames?: string
  /** `false`: it is only asked where others are. @default true */
  readonly tell?: boolean
  /** What routes tell subsets by, such as `{ version: 'v2' }`. */
  readonly labels?: Readonly<Record<string, string>>
  /** Capacity relative to the others. @default 1 */
  readonly weight?: number
  readonly zone?: string
  /** How many processes of these services there should be. */
  readonly expected?: number
}

/** The connection to a registry; `watcher` is told when it is there, and why it is away. Throws `invalid_config` for a wrong address or secret. */
export function openRegistry(
  { address, secret, tls }: RegistryOptions,
  clock: Clock,
  watcher: Watcher = unwatched,
): RegistryDiscovery {
  return new RegistryDiscovery({
    ...{ address, secret, clock, random: seededRandom(randomIdentity()), ...(tls && { tls }) },
    onTrouble: ({ code, message }) => watcher({ kind: 'registry', state: 'away', address, code, message }),
    onJoined: () => watcher({ kind: 'registry', state: 'joined', address, code: 'ok', message: '' }),
  })
}

/** The instances that this process is, as a registry knows them. */
export class Registering {
  readonly #registered: readonly Registered[]

  /**
   * Registers each of the services at once, or as soon as the registry is there. Throws `invalid_config` where nothing listens
   * that could be registered.
   */
  constructor(
    discovery: RegistryDiscovery,
    options: RegistryOptions,
    services: readonly string[],
    listening: { readonly url: string | undefined; readonly frames: string | undefined },
    loadOf: (service: string) => number,
  ) {
    const { labels = {}, weight = 1, zone, expected } = options
    const { advertise, advertiseFrames } = options
    const host = urlIn(advertise) === undefined ? advertise : undefined
    const frames = advertiseFrames ?? reached(listening.frames, host)
    const at = urlIn(advertise) ?? reached(listening.url, host) ?? frames
    if (at === undefined)
      throw new SkerryError(
        'invalid_config',
        'a registry is given, but no calls are served: give http or frames an address, too',
      )
    this.#registered = services.map((service) =>
      discovery.register(
        {
          ...{ service, id: randomIdentity(), address: at, labels, weight, ready: true },
          ...(frames !== undefined && frames !== at && { frames }),
          ...(zone !== undefined && { zone }),
          ...(expected !== undefined && { expected }),
        },
        () => loadOf(service),
      ),
    )
  }

  /** From now on callers go elsewhere; those who are on their way are still answered. */
  leaving(): void {
    for (const one of this.#registered) one.update({ ready: false })
  }

  close(): void {
    for (const one of this.#registered) one.withdraw()
  }
}

/** What is advertised as it stands; a host alone is put in the place of the one that it listens at. */
export const urlIn = (advertised: string | undefined): string | undefined =>
  advertised?.includes('://') || advertised?.startsWith('unix:') ? advertised : undefined

/** Where it listens, as others write it. */
function reached(listens: string | undefined, host: string | undefined): string | undefined {
  if (listens === undefined || listens.startsWith('unix:')) return listens
  const [, scheme, own, port] = /^(\w+):\/\/(.*):(\d+)$/.exec(listens) ?? []
  if (host !== undefined)
    return `${scheme}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
  if (own !== '0.0.0.0' && own !== '[::]') return listens
  throw new SkerryError(
    'invalid_config',
    `${listens} says nothing of where others reach it, and a registry is to tell them: give advertise (skerry run --advertise) a host`,
  )
}
