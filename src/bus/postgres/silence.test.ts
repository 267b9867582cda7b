import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { postgresForSuite } from '../../../test/servers/suite.ts'
import { systemClock } from '../../time.ts'
import { Database } from './database.ts'

describe('PostgreSQL bus: connections that fell silent', { skip: missing('postgresql') }, () => {
  const server = postgresForSuite('NORMAL')

  test('are found out by one question that waits in vain, however many there are', async () => {
    const passage = await Passage.to(Number(new URL(server.url).port))
    const url = `postgres://postgres@127.0.0.1:${passage.port}/postgres`
    const database = new Database({ url, place: 'here', clock: systemClock, timeoutMs: 4000 })
    try {
      await Promise.all([1, 2, 3, 4].map(() => database.ask('select pg_sleep(0.2)')))
      assert.equal(passage.connections, 4)
      passage.blackHole()
      // Its patience is for two such questions, not for four.
      assert.deepEqual(await database.ask('select 1 as n'), [{ n: 1 }])
    } finally {
      passage.cut()
      await database.close()
      await passage.close()
    }
  })
})
