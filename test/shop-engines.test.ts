/** The shop's month on every bus and every store, in four processes: it must end equal wherever it runs. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ServerAddress, ServerName } from './servers/kinds.ts'
import { missing } from './servers/needs.ts'
import { startServers } from './servers/servers.ts'

const shop = join(import.meta.dirname, '../examples/shop/main.ts')

type Url = (address: ServerAddress) => string

const buses: Readonly<Partial<Record<ServerName, Url>>> = {
  postgresql: ({ host, port }) => `postgres://postgres@${host}:${port}/postgres`,
  'nats-server': ({ host, port }) => `nats://${host}:${port}`,
  'rabbitmq-server': ({ host, port }) => `amqp://guest:guest@${host}:${port}`,
  kafka: ({ host, port }) => `kafka://${host}:${port}`,
}

const postgres = buses.postgresql as Url

describe('the shop, in four processes', () => {
  for (const [name, url] of Object.entries(buses) as [ServerName, Url][])
    test(`on ${name}, with SQLite stores`, { skip: missing(name) }, () =>
      month([name], (at) => ({ SKERRY_BUS: url(at(name)) })),
    )

  for (const [name, url] of Object.entries(buses) as [ServerName, Url][])
    test(`on ${name}, with PostgreSQL stores`, { skip: missing(name, 'postgresql') }, () =>
      month([...new Set<ServerName>([name, 'postgresql'])], (at) => ({
        SKERRY_BUS: url(at(name)),
        SKERRY_STORE: postgres(at('postgresql')),
      })),
    )

  test('on the embedded bus, with PostgreSQL stores', { skip: missing('postgresql') }, () =>
    month(['postgresql'], (at) => ({ SKERRY_STORE: postgres(at('postgresql')) })),
  )
})

async function month(
  servers: readonly ServerName[],
  environment: (at: (name: ServerName) => ServerAddress) => Record<string, string>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-shop-'))
  const started = await startServers(servers, folder, servers.includes('nats-server') ? 'NORMAL' : 'FULL')
  try {
    const engines = environment((name) => started.addresses[name] as ServerAddress)
    const args = [shop, '--processes', '4', '--json', '--out', join(folder, 'out')]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, SKERRY_DURABILITY: 'engine', ...engines },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)))
    const [code] = await once(child, 'close')
    const said = output.join('')
    assert.equal(code, 0, said)
    const summary = JSON.parse(said.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
    const { equal, lost, duplicateEffects, deadLetters } = summary
    assert.deepEqual(
      { equal, lost, duplicateEffects, deadLetters },
      { equal: true, lost: 0, duplicateEffects: 0, deadLetters: 0 },
    )
  } finally {
    await started.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
