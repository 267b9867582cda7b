import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { Server } from '../../../test/servers/kinds.ts'
import { missing } from '../../../test/servers/needs.ts'
import { postgres } from '../../../test/servers/postgres.ts'
import { flowConformance } from '../conformance.ts'
import { postgresBusFixture } from './fixture.ts'

describe('a real server', { skip: missing('postgresql') }, () => {
  let folder = ''
  let server: Server
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skerry-postgres-flow-'))
    server = await postgres.start(folder, { durability: 'NORMAL' })
  })
  after(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })
  flowConformance('postgres bus, sqlite store', () =>
    postgresBusFixture(`postgres://postgres@127.0.0.1:${server.address.port}`),
  )
})
