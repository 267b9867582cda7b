import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Terminal } from './fixture.ts'

const library = new URL(`../index${import.meta.url.slice(-3)}`, import.meta.url).href
const zod = import.meta.resolve('zod')

/** A service of which the first handler, or its event, is not as it should be: line 16 is the handler's, line 17 what it does. */
const unfit = (does: string, data = 'z.object({ door: z.string() })'): string => `
import { contract, event, service } from '${library}'
import { z } from '${zod}'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as later } from 'node:timers/promises'
const door = z.object({ door: z.string() })
export const Hall = contract('hall', { events: {
  opened: event({ data: ${data} }),
  shut: event({ data: door }),
} })
export const doors = service(contract('doors', { events: {} }), { migrations: [
  { number: 1, name: 'door', sql: 'create table door (id text primary key)', additive: true } ] })
doors.subscribe('doors', { from: 'start' })
  .on(Hall.shut, async (tx, { data }) => void (await tx.sql\`insert into door (id) values (\${data.door}) on conflict (id) do nothing\`))
  .on(Hall.opened, async (tx, { data }) => {
    ${does}
    await tx.sql\`insert into door (id) values (\${String(data.door)}) on conflict (id) do nothing\`
  })
`

describe('skerry check of what cannot be checked', () => {
  let terminal: Terminal
  before(async () => {
    terminal = await Terminal.open()
  })
  after(() => terminal.close())

  const check = async (does: string, data?: string) => {
    await terminal.write('unfit/service.ts', unfit(does, data))
    const { exit, out, err } = await terminal.run(['check', 'unfit'])
    assert.deepEqual([exit, err], [1, ''])
    return out
  }
  const withheld = async (does: string, why: string, line: number): Promise<void> => {
    const out = await check(does)
    assert.ok(
      out.includes(`w doors/doors on hall.opened ${why} (unfit/service.ts:${line}); nothing is said about it`),
      out,
    )
    // The other handler's verdict stands, and nothing of ours is taken for the handler's.
    assert.match(out, /\n {2}shut +· +w\n/)
    assert.doesNotMatch(out, /on hall\.shut|internal/)
  }

  test('a handler that waits for nothing, or throws whatever it is given, is named with its line', async () => {
    await withheld('await new Promise(() => {})', 'never ended: it waits for something that does not come', 16)
    await withheld(`throw new Error('no room')`, 'throws whatever it is given: no room', 17)
  })

  test('so is one that uses timers, files or the network', async () => {
    const uses = (what: string): string => `uses ${what}, which no order of events decides about`
    await withheld('setTimeout(() => {}, 0)', uses('setTimeout()'), 17)
    await withheld('await later(0)', uses('setTimeout() of node:timers/promises'), 17)
    await withheld(`await readFile('/dev/null')`, uses('readFile() of node:fs/promises'), 17)
    await withheld(
      `await new Promise((done) => connect(1, '127.0.0.1').on('error', done))`,
      uses('connect() of node:net'),
      17,
    )
  })

  test('what no schema describes is named by its field, with the remedy', async () => {
    const remedy = ' supply a generator: generate: [[hall.opened, (g) => …]]'
    const plain = `{ '~standard': { version: 1, vendor: 'mine', validate: (value) => ({ value }) } }`
    const cases = [
      [plain, '! hall.opened: mine gives no JSON Schema; '],
      ['z.object({ door: z.object({ at: z.date() }) })', '! hall.opened: field door.at of its schema cannot be said'],
      [`z.object({ door: z.string().regex(/^(?=x)[a-z]+(?<=q)$/) })`, '! hall.opened: field door: nothing can'],
      ['z.object({ door: z.string().refine((s) => s.length === 77) })', ' were all refused (hall.opened: door: '],
    ] as const
    for (const [data, problem] of cases) {
      const out = await check('', data)
      assert.ok(out.includes(problem) && out.includes(remedy), out)
    }
  })
})
