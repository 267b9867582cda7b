import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { SkerryError } from './errors.ts'
import { randomIdentity, seededRandom } from './ids.ts'
import { type Registered, RegistryDiscovery } from './mesh/discovery/registry/client.ts'
import type { Clock } from './time.ts'

/** How a process makes its calls known. */
export interface RegistryOptions {
  /** `unix:/run/skerry/registry.sock`, `tcp://10.0.0.7:7300`, `tls://registry.internal:7300`. */
  readonly address: string
  /** What everybody who may register and look knows, at least 16 characters. */
  readonly secret: string
  readonly tls?: TlsOptions
  /** Where others reach this process over HTTP. @default where it listens */
  readonly advertise?: string
  /** And by frames. @default where it listens for them */
  readonly advertiseFrames?: string
  /** What routes tell subsets by, such as `{ version: 'v2' }`. */
  readonly labels?: Readonly<Record<string, string>>
  /** Capacity relative to the others. @default 1 */
  readonly weight?: number
  readonly zone?: string
  /** How many processes of these services there should be. */
  readonly expected?: number
}

/** The connection to a registry. Throws `invalid_config` for a wrong address or secret. */
export function openRegistry({ address, secret, tls }: RegistryOptions, clock: Clock): RegistryDiscovery {
  return new RegistryDiscovery({ address, secret, clock, random: seededRandom(randomIdentity()), ...(tls && { tls }) })
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
    const frames = options.advertiseFrames ?? listening.frames
    const at = options.advertise ?? listening.url ?? frames
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
