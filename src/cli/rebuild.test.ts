import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../test/servers/needs.ts'
import { postgresForSuite } from '../../test/servers/suite.ts'
import { scratchApp } from '../store/postgres/adopt.ts'
import { administer } from '../store/postgres/fixture.ts'
import { schemaName } from '../store/postgres/place.ts'
import { census, type Started, Terminal } from './fixture.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
})
after(() => terminal.close())

const heads = (dir: string): unknown[] => {
  const db = new DatabaseSync(`${terminal.folder}/${dir}/census.db`)
  const rows = db.prepare('select name, n from head order by name').all()
  db.close()
  return rows.map(({ name, n }) => [name, n])
}

async function running(dir: string, module = 'census.ts'): Promise<Started> {
  const service = terminal.start('run', module, '--dir', dir, '--json')
  await service.fact({ kind: 'ready' })
  return service
}

async function stopped(service: Started): Promise<void> {
  service.child.kill('SIGTERM')
  assert.equal((await service.ended).exit, 0)
}

interface Figures {
  readonly services: readonly {
    readonly subscriptions: readonly { readonly handled: number; readonly lag: number }[]
  }[]
}

/** Runs the service until it has handled so many. */
async function runUntil(dir: string, handled: number, module?: string): Promise<void> {
  const service = await running(dir, module)
  for (;;) {
    const { services } = (await terminal.ask('status', '--dir', dir)) as Figures
    if (services[0]?.subscriptions[0]?.handled === handled) return stopped(service)
  }
}

test('a projection is made anew with other code, and goes on from there', async () => {
  await terminal.write('census.ts', census())
  await terminal.write('later.ts', census({ factor: 10 }))
  await terminal.publish('a', 'Ada', 'Grace', 'Ada')
  await runUntil('a', 3)
  assert.deepEqual(heads('a'), [
    ['Ada', 2],
    ['Grace', 1],
  ])
  assert.deepEqual(await terminal.ask('rebuild', 'later.ts', '--dir', 'a'), {
    service: 'census',
    handled: 3,
    deadLetters: 0,
  })
  assert.deepEqual(heads('a'), [
    ['Ada', 20],
    ['Grace', 10],
  ])
  assert.ok(!existsSync(`${terminal.folder}/a/.rebuild-census`))
  await terminal.publish('a', 'Barbara')
  await runUntil('a', 4, 'later.ts')
  assert.deepEqual(heads('a'), [
    ['Ada', 20],
    ['Barbara', 10],
    ['Grace', 10],
  ])
})

test('dead letters of before are gone, those of now are there; a start afterwards is not refused', async () => {
  await terminal.publish('b', 'nobody', 'Ada')
  const service = await running('b')
  await service.fact({ kind: 'dead' })
  await stopped(service)
  await terminal.ask('dead', 'discard', '--all', '--dir', 'b')
  assert.deepEqual(await terminal.ask('rebuild', 'census.ts', '--dir', 'b'), {
    service: 'census',
    handled: 1,
    deadLetters: 1,
  })
  const dead = (await terminal.ask('dead', 'list', '--dir', 'b')) as { code: string }[]
  assert.deepEqual(
    dead.map((one) => one.code),
    ['terminal'],
  )
  await terminal.publish('b', 'Grace')
  await runUntil('b', 2)
  assert.deepEqual(heads('b'), [
    ['Ada', 1],
    ['Grace', 1],
  ])
})

test('a service that runs is not rebuilt', async () => {
  const service = await running('a')
  const { exit, err } = await terminal.run(['rebuild', 'census.ts', '--dir', 'a'])
  assert.equal(exit, 1)
  assert.match(err, new RegExp(`^skerry: subscription_taken: census runs in process ${service.child.pid}; stop it`))
  await stopped(service)
})

test('what is no projection is refused with the reason, and nothing changes', async () => {
  const before = heads('a')
  const refused = async (text: string, reason: RegExp): Promise<void> => {
    await terminal.write('refused.ts', text)
    const { exit, err } = await terminal.run(['rebuild', 'refused.ts', '--dir', 'a'])
    assert.equal(exit, 1)
    assert.match(err, reason)
    assert.deepEqual(heads('a'), before)
  }
  await refused(
    census({ projection: false }),
    /invalid_config: census cannot be rebuilt: it is not declared as a projection/,
  )
  await refused(census({ from: 'now' }), /its subscription count began at 'now'/)
  await refused(census({ emits: true }), /census cannot be rebuilt: count publishes for people\.arrived/)
})

describe('on PostgreSQL stores', { skip: missing('postgresql') }, () => {
  const server = postgresForSuite('NORMAL')
  const at = (dir: string): string[] => ['--dir', dir, '--store', `${server.url}/postgres`]

  const headsThere = async (): Promise<unknown[]> => {
    return administer(`${server.url}/postgres`, async (client) => {
      const { rows } = await client.query('select name, n::integer as n from skerry_skerry_census.head order by name')
      const { rows: left } = await client.query("select nspname from pg_namespace where nspname like '%rebuild%'")
      assert.deepEqual(left, [], 'nothing is left beside it')
      return rows.map(({ name, n }) => [name, n])
    })
  }

  async function runThere(handled: number, module: string): Promise<void> {
    const service = terminal.start('run', module, ...at('c'), '--json')
    await service.fact({ kind: 'ready' })
    for (;;) {
      const { services } = (await terminal.ask('status', ...at('c'))) as Figures
      if (services[0]?.subscriptions[0]?.handled === handled) return stopped(service)
    }
  }

  test('a projection is made anew in the same way, whatever an earlier rebuild left behind, and goes on from there', async () => {
    await terminal.write('census.ts', census())
    await terminal.write('later.ts', census({ factor: 10 }))
    await terminal.publish('c', 'Ada', 'Grace', 'Ada')
    await runThere(3, 'census.ts')
    assert.deepEqual(await headsThere(), [
      ['Ada', 2],
      ['Grace', 1],
    ])
    const leftover = schemaName('census', scratchApp('skerry'))
    await administer(`${server.url}/postgres`, (client) =>
      client.query(`create schema "${leftover}"; create table "${leftover}".head (half integer)`),
    )
    assert.deepEqual(await terminal.ask('rebuild', 'later.ts', ...at('c')), {
      service: 'census',
      handled: 3,
      deadLetters: 0,
    })
    assert.deepEqual(await headsThere(), [
      ['Ada', 20],
      ['Grace', 10],
    ])
    await terminal.publish('c', 'Barbara')
    await runThere(4, 'later.ts')
    assert.deepEqual(await headsThere(), [
      ['Ada', 20],
      ['Barbara', 10],
      ['Grace', 10],
    ])
  })

  test('a service that runs is not rebuilt, nor is one that breaks its word', async () => {
    const service = terminal.start('run', 'later.ts', ...at('c'), '--json')
    await service.fact({ kind: 'ready' })
    const { err } = await terminal.run(['rebuild', 'later.ts', ...at('c')])
    assert.match(err, new RegExp(`^skerry: subscription_taken: census runs in process ${service.child.pid}; stop it`))
    await stopped(service)
    await terminal.write('refused.ts', census({ emits: true }))
    const refused = await terminal.run(['rebuild', 'refused.ts', ...at('c')])
    assert.match(refused.err, /census cannot be rebuilt: count publishes for people\.arrived/)
    assert.equal((await headsThere()).length, 3)
  })
})
