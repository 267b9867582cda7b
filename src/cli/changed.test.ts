import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gitIn, Terminal } from './fixture.ts'

const library = new URL(`../index${import.meta.url.slice(-3)}`, import.meta.url).href

const contract = `
import { contract, event } from '${library}'
export const data = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }), jsonSchema: { input: () => ({
  type: 'object', properties: { door: { type: 'string' } }, required: ['door'] }) } } }
export const Hall = contract('hall', { events: { opened: event({ data }), shut: event({ data }) } })
`
/** A service that counts one event of the hall, with a module of its own. */
const counting = (name: string, type: string): string => `
import { contract, service } from '${library}'
import { Hall } from '../hall/contract.ts'
import { one } from './one.ts'
export const ${name} = service(contract('${name}', { events: {} }), { migrations: [
  { number: 1, name: 'n', sql: 'create table n (id text primary key, n integer not null)', additive: true } ] })
${name}.subscribe('count', { from: 'start' }).on(Hall.${type}, async (tx, { data }) => {
  await tx.sql\`insert into n (id, n) values (\${data.door}, \${one}) on conflict (id) do update set n = n.n + \${one}\`
})
`

describe('skerry check --changed', () => {
  let terminal: Terminal
  let git: ReturnType<typeof gitIn>
  const check = async (...args: string[]) => {
    const { exit, out, err } = await terminal.run(['check', 'app', '--json', ...args])
    assert.equal(exit, 0, err)
    const { cells, left } = JSON.parse(out) as Record<'cells' | 'left', { service: string; why: string }[]>
    const names = (list: { service: string }[]): string[] => [...new Set(list.map(({ service }) => service))].sort()
    return { checked: names(cells), left: names(left), why: left[0]?.why ?? '' }
  }
  before(async () => {
    terminal = await Terminal.open()
    git = gitIn(terminal.folder)
    await terminal.write('app/hall/contract.ts', contract)
    for (const [name, type] of [
      ['comings', 'opened'],
      ['goings', 'shut'],
    ] as const) {
      await terminal.write(`app/${name}/service.ts`, counting(name, type))
      await terminal.write(`app/${name}/one.ts`, 'export const one = 1')
    }
  })
  after(() => terminal.close())

  test('outside of a checkout it says so in one line', async () => {
    const { exit, out, err } = await terminal.run(['check', 'app', '--changed'])
    assert.deepEqual([exit, out], [1, ''])
    assert.match(err, /^skerry: not_found: --changed needs a git checkout, and app is in none[^\n]*\n$/)
  })

  test('checks services whose modules changed, and says of the others why not', async () => {
    git('init', '-q', '-b', 'main')
    git('add', '.')
    git('commit', '-q', '-m', 'first')
    assert.deepEqual((await check('--changed')).left, ['comings', 'goings'])
    await terminal.write('app/goings/one.ts', 'export const one = 2')
    const { checked, left, why } = await check('--changed')
    assert.deepEqual([checked, left], [['goings'], ['comings']])
    assert.match(why, /^no module of it, or of whose events these are, has changed since the last commit$/)
    const { out } = await terminal.run(['check', 'app', '--changed'])
    assert.match(out, /\n- comings: all of it left out: no module/)
  })

  test('since a ref, whichever way it is written; a contract affects all who import it', async () => {
    await terminal.write('app/hall/contract.ts', `${contract}// as before`)
    git('checkout', '-q', '-b', 'feature')
    git('commit', '-q', '-a', '-m', 'second')
    const both = ['comings', 'goings']
    for (const words of [['--changed'], ['--changed=main'], ['--changed', 'main']])
      assert.deepEqual((await check(...words)).checked, both)
    assert.deepEqual((await check('--changed', 'HEAD')).checked, [])
    const none = await terminal.run(['check', 'app', '--changed=mian'])
    assert.match(none.err, /no commit 'mian'; the nearest is 'main'/)
  })
})
