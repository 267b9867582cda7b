import { messageOf, SkerryError } from '../../errors.ts'

/** What is known of the server before anything is written. */
export interface ServerFacts {
  readonly where: string
  readonly version: string
  readonly id: string
}

/** The oldest server that can be told to sync each message before it acknowledges it: `sync_interval: always`. */
const syncing = [2, 10] as const
/** The oldest with everything else that is used here. */
const oldest = [2, 9] as const

export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return a > major || (a === major && b >= minor)
}

/** Throws `capability_absent` for a server that lacks what the bus is built on. */
export function checkVersion({ where, version }: ServerFacts): void {
  if (isAtLeast(version, oldest)) return
  throw new SkerryError(
    'capability_absent',
    `${where}: nats-server ${version} is too old; Skerry needs ${oldest.join('.')} or later`,
  )
}

/**
 * A client cannot see from its connection whether the server syncs before it acknowledges; the server's monitoring port
 * tells. Throws `capability_absent`, with what a power cut can lose and the remedy.
 */
export async function checkSynced(server: ServerFacts, monitor: string | undefined): Promise<void> {
  const loses = 'a power cut at the server can lose what it acknowledged in the last two minutes (its sync_interval)'
  const accept = "accept that in writing with durability: 'engine'"
  const refuse = (why: string, remedy: string, cause?: unknown): never => {
    throw new SkerryError(
      'capability_absent',
      `${server.where}: nats-server ${server.version} ${why}: ${loses}. ${remedy}, or ${accept}`,
      cause === undefined ? {} : { cause },
    )
  }
  if (!isAtLeast(server.version, syncing))
    return refuse('cannot sync before it acknowledges', `Use ${syncing.join('.')} or later with sync_interval: always`)
  if (monitor === undefined)
    return refuse(
      'does not tell whether it syncs before it acknowledges',
      "Set sync_interval: always in its jetstream block and name its monitoring address with monitor: 'http://host:8222'",
    )
  const told = await askMonitor(monitor).catch((error: unknown) =>
    refuse(`could not be asked at ${monitor} (${messageOf(error)})`, 'Check the address', error),
  )
  if (told?.server_id !== server.id)
    return refuse(`is not the server that answers at ${monitor}`, 'Name the monitoring address of this one')
  if (told.jetstream?.config?.sync_always !== true)
    return refuse('does not sync before it acknowledges', 'Set sync_interval: always in its jetstream block')
}

interface Varz {
  readonly server_id?: string
  readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } }
}

async function askMonitor(monitor: string): Promise<Varz> {
  const answer = await fetch(new URL('/varz', monitor), { signal: AbortSignal.timeout(5000) })
  return (await answer.json()) as Varz
}
