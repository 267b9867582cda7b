/**
 * A whole service: Skerry's server, its checks by schema, and a handler in a store, by HTTP on the first port and by frames on the
 * second.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { service, start } from 'skerry'
import { serve } from '../serve.ts'
import { Desk } from '../work.ts'

const sql = 'create table seen (customer text primary key, n int not null) strict'

await serve(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-bench-'))
  const desk = service(Desk, { migrations: [{ number: 1, name: 'first', sql, additive: true }] })
  desk.serve(Desk.look, async ({ sql }, { input }) => {
    await sql`select n from seen where customer = ${input.customer}`
    return input
  })
  desk.serve(Desk.give, async ({ sql }, { input }) => {
    await sql`insert into seen values (${input.customer}, 1) on conflict (customer) do update set n = seen.n + 1`
    return input
  })
  const app = await start([desk], { dir, http: '127.0.0.1:0', frames: '127.0.0.1:0' })
  return {
    ports: [app.url, app.framesUrl].map((url) => Number(new URL(url as string).port)),
    async stop() {
      await app.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
})
