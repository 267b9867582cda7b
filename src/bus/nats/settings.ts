import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import type { Names } from './names.ts'

export interface StreamChoices {
  readonly identity: string
  readonly maxBytes: number
  readonly replicas: number
}

/** What the streams of an application must be like. Everything that is not here is the server's own default. */
export function logConfig(
  names: Names,
  { identity, maxBytes, replicas }: StreamChoices,
): Partial<StreamConfig> & {
  name: string
} {
  return {
    name: names.log,
    description: `Skerry bus ${identity}: events`,
    subjects: [names.events, names.terms],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // A full log refuses; it never drops what a reader has still to read.
    discard: DiscardPolicy.New,
    max_bytes: Number.isFinite(maxBytes) ? maxBytes : -1,
    num_replicas: replicas,
  }
}

export function registryConfig(
  names: Names,
  { identity, replicas }: Pick<StreamChoices, 'identity' | 'replicas'>,
): Partial<StreamConfig> & { name: string } {
  return {
    name: names.registry,
    description: `Skerry bus ${identity}: registry`,
    subjects: [names.registered],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    num_replicas: replicas,
  }
}

/** Kept long enough for a newcomer to hear from everybody, and in memory: it says nothing that outlives a process. */
export function groupsConfig(names: Names): Partial<StreamConfig> & { name: string } {
  return {
    name: names.groups,
    description: 'Skerry: what processes say to one another',
    subjects: [names.spoken],
    storage: StorageType.Memory,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: nanos(10_000),
    duplicate_window: nanos(10_000),
    num_replicas: 1,
  }
}

/** A stream carries the bus's identity from its birth: one that was deleted and made anew has another. */
export function identityIn(description: string | undefined): string | undefined {
  return /^Skerry bus ([0-9a-f]{32}):/.exec(description ?? '')?.[1]
}

type Expected = Readonly<Record<string, unknown>>

/** What must be so for a bus to be safe on a stream; the size and the number of copies are the operator's. */
const invariants: Expected = { storage: 'file', retention: 'limits', discard: 'new', max_msgs: -1, max_age: 0 }

/** Refuses, by name, a stream that would lose events or mix in others. Throws `invalid_config`. */
export function checkStream(where: string, wanted: Partial<StreamConfig>, found: StreamConfig): void {
  const expected: Expected = {
    ...invariants,
    subjects: wanted.subjects,
    max_msgs_per_subject: wanted.max_msgs_per_subject ?? -1,
  }
  const name = found.name
  if (identityIn(found.description) === undefined)
    throw new SkerryError(
      'invalid_config',
      `${where}: stream ${name} was not made by Skerry; delete it (\`nats stream rm ${name}\`), or choose another SKERRY_APP`,
    )
  for (const [setting, value] of Object.entries(expected)) {
    const is = found[setting as keyof StreamConfig]
    if (JSON.stringify(is) === JSON.stringify(value)) continue
    throw new SkerryError(
      'invalid_config',
      `${where}: stream ${name} has ${setting} ${JSON.stringify(is)}, and must have ${JSON.stringify(value)}; ` +
        `set it back with \`nats stream edit ${name}\`, or move the stream away to start a new bus`,
    )
  }
  if (found.sealed || found.deny_purge)
    throw new SkerryError(
      'invalid_config',
      `${where}: stream ${name} is sealed or denies purges; a bus appends and drops`,
    )
}
