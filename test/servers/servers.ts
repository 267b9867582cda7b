import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchKafka, kafkaOf } from './kafka.ts'
import type { Durability, Server, ServerAddress, ServerKind, ServerName } from './kinds.ts'
import { nats } from './nats.ts'
import { postgres } from './postgres.ts'
import { rabbitmq } from './rabbitmq.ts'
import { redis } from './redis.ts'

const kafkas = { kafka: '4.1.1', 'kafka 3.9': '3.9.1' }

const kinds: Readonly<Record<ServerName, ServerKind>> = {
  'nats-server': nats,
  'rabbitmq-server': rabbitmq,
  'redis-server': redis,
  postgresql: postgres,
  kafka: kafkaOf(kafkas.kafka),
  'kafka 3.9': kafkaOf(kafkas['kafka 3.9']),
}

export interface Started {
  readonly addresses: Partial<Record<ServerName, ServerAddress>>
  stop(): Promise<void>
}

export function serverVersion(name: ServerName): string | undefined {
  return kinds[name].version()
}

/** What servers are not packages and are fetched: done before the tests, no two of them do it at once. */
export function fetchServers(): void {
  for (const version of Object.values(kafkas)) fetchKafka(version)
}

/** Every server that a test may ask for. */
export const serverNames = Object.keys(kinds) as readonly ServerName[]

/** How to get a server that is missing here. */
export function remedyFor(name: ServerName): string {
  return kinds[name].remedy
}

/** Starts each server afresh, with its data in `folder`; if one fails, those already started are stopped. */
export async function startServers(
  names: readonly ServerName[],
  folder: string,
  durability: Durability,
): Promise<Started> {
  const started: Server[] = []
  const addresses: Partial<Record<ServerName, ServerAddress>> = {}
  const stop = async (): Promise<void> => {
    for (const server of started.reverse()) await server.stop()
  }
  try {
    for (const name of names) {
      const data = join(folder, name)
      await mkdir(data, { recursive: true })
      // A server may run as another user, and has to reach its own folder inside ours.
      await chmod(folder, 0o711)
      const server = await kinds[name].start(data, { durability })
      started.push(server)
      addresses[name] = server.address
    }
  } catch (cause) {
    await stop()
    throw cause
  }
  return { addresses, stop }
}
