import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Terminal } from './fixture.ts'

const library = new URL(`../index${import.meta.url.slice(-3)}`, import.meta.url).href

const about = `
import { contract, event, service } from '${library}'
const data = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }), jsonSchema: { input: () => ({
  type: 'object', properties: { door: { type: 'string' } }, required: ['door'] }) } } }
`

const endless = `${about}
export const Hall = contract('hall', { events: { opened: event({ data }) } })
export const Doors = contract('doors', { events: { moved: event({ data }) } })
export const doors = service(Doors)
doors.subscribe('doors', { from: 'start' })
  .on(Hall.opened, async (tx, { data }) => void (await tx.publish(Doors.moved, data)))
  .on(Doors.moved, async (tx, { data }) => void (await tx.publish(Doors.moved, data)))
`

/** A service whose two events overwrite one another; `extra` stands at the beginning of the first handler. */
const doors = (extra = ''): string => `${about}
export const Hall = contract('hall', { events: { opened: event({ data }), shut: event({ data }) } })
export const doors = service(contract('doors', { events: {} }), { migrations: [
  { number: 1, name: 'door', sql: 'create table door (id text primary key, state text not null)', additive: true } ] })
doors.subscribe('doors', { from: 'start' })
  .on(Hall.opened, async (tx, { data }) => {
    ${extra}
    await tx.sql\`insert into door (id, state) values (\${data.door}, 'open') on conflict (id) do update set state = 'open'\`
  })
  .on(Hall.shut, async (tx, { data }) => {
    await tx.sql\`insert into door (id, state) values (\${data.door}, 'shut') on conflict (id) do update set state = 'shut'\`
  })
`

describe('skerry check', () => {
  let terminal: Terminal
  before(async () => {
    terminal = await Terminal.open()
    await terminal.write('app/doors/service.ts', doors())
    await terminal.write('endless/service.ts', endless)
    await terminal.write('stuck/service.ts', doors('for (;;) String(data.door)'))
  })
  after(() => terminal.close())

  test('finds services below a folder, shows both schedules, and fails', async () => {
    const { exit, out, err } = await terminal.run(['check', 'app', '--html', 'report.html'])
    assert.equal(exit, 1, err)
    assert.match(out, /^skerry check app {4}seed 7 {3}3 pairs/)
    assert.match(out, /✗ doors: hall\.opened × hall\.shut do not commute \(as subscribed, reachable\)/)
    assert.match(out, /1 hall\.opened {"door":"a"} +1 hall\.shut {"door":"a"}/)
    assert.match(out, /door\[a\]\.state {3}A shut {3}B open/)
    const page = readFileSync(join(terminal.folder, 'report.html'), 'utf8')
    assert.match(page, /<td class="s-dependent" title="hall\.opened × hall\.shut/)
    assert.doesNotMatch(page, /src=|href="http/)
  })

  test('its JSON is one line of cells, and its example is shown again by seed and number', async () => {
    const { exit, out } = await terminal.run(['check', 'app', '--json', '--seed', '3'])
    assert.equal(exit, 1)
    const { seed, cells } = JSON.parse(out) as { seed: number; cells: Record<string, unknown>[] }
    const cell = cells.find(({ a, b, level, as }) => a !== b && level === 'commuting' && as === 'contract')
    const { trials, touched, example, ...rest } = cell ?? {}
    const pair = { service: 'doors', a: 'hall.opened', b: 'hall.shut', level: 'commuting', as: 'contract' }
    assert.deepEqual(rest, { ...pair, verdict: 'dependent', declared: false, reachable: true })
    assert.ok(seed === 3 && Number(trials) >= Number(touched) && Number(touched) >= 40)
    const again = await terminal.run(['check', 'app', '--replay', `3:${example}`])
    assert.equal(again.exit, 1)
    assert.match(again.out, /door\[a\]\.state/)
  })

  test('a handler that never ends is ended, and named with its line', async () => {
    const { exit, out } = await terminal.run(['check', 'stuck'])
    assert.equal(exit, 1)
    assert.match(out, /w doors\/doors on hall\.opened never ends \(stuck\/service\.ts:11\); nothing is said about it/)
    assert.match(out, /shut +·/)
  })

  test('annotations stand before the report; with JSON, and where a workflow runs, beside it', async () => {
    const error =
      /^::error file=app\/doors\/service\.ts,line=1\d,title=doors%3A hall\.opened × hall\.shut do not commute::/m
    const shown = await terminal.run(['check', 'app', '--annotations'])
    assert.match(shown.out, error)
    terminal.env.GITHUB_ACTIONS = 'true'
    try {
      const { out, err } = await terminal.run(['check', 'app', '--json'])
      assert.match(err, error)
      assert.ok(JSON.parse(out))
    } finally {
      delete terminal.env.GITHUB_ACTIONS
    }
    assert.doesNotMatch((await terminal.run(['check', 'app'])).out, /^::/m)
  })

  test('what goes wrong with all services together is in the JSON and on the page', async () => {
    const { exit, out } = await terminal.run(['check', 'endless', '--json', '--html', 'endless.html'])
    const { wholes } = JSON.parse(out) as { wholes: { findings: { kind: string; first: string[] }[] } }
    assert.deepEqual([exit, wholes.findings.map(({ kind }) => kind)], [1, ['endless']])
    const page = readFileSync(join(terminal.folder, 'endless.html'), 'utf8')
    assert.match(page, /<h2>All services together<\/h2>\n<p>.*: 1 to mend\.<\/p>\n<section class="whole"><h3>endless: /)
    assert.match(page, /<h4>published<\/h4><ol><li class="">hall\.opened /)
  })

  test('events that were published and printed are what others are made of', async () => {
    const type = 'skerry.hall.opened.v1'
    const opened = { specversion: '1.0', id: '1', source: 'hall', type, data: { door: 'oak' } }
    await terminal.write('hall.jsonl', JSON.stringify(opened))
    const published = await terminal.run(['publish', 'hall.jsonl'])
    assert.equal(published.exit, 0, published.err)
    await terminal.write('events.jsonl', (await terminal.run(['tail', 'hall'])).out)
    const { out } = await terminal.run(['check', 'app', '--events', 'events.jsonl'])
    assert.match(out, /^skerry check app --events events\.jsonl {4}seed 7/)
    assert.match(out, /^Recorded: 1 event of 1 type$/m)
    const [, number = ''] = /replay {3}skerry check app --events events\.jsonl --replay (\S+)/.exec(out) ?? []
    const again = await terminal.run(['check', 'app', '--events', 'events.jsonl', '--replay', number])
    assert.match(again.out, /1 hall\.opened/)
  })

  test('one service, one type or one pair alone; what is called otherwise is named with the nearest', async () => {
    const pairs = async (only: string): Promise<string[]> => {
      const { out } = await terminal.run(['check', 'app', '--json', '--only', only])
      const { cells } = JSON.parse(out) as { cells: { a: string; b: string }[] }
      return [...new Set(cells.map(({ a, b }) => [a, b].sort().join(' × ')))]
    }
    assert.equal((await pairs('doors')).length, 3)
    assert.deepEqual(await pairs('doors:opened'), ['hall.opened × hall.opened', 'hall.opened × hall.shut'])
    assert.deepEqual(await pairs('doors:shut,hall.opened'), ['hall.opened × hall.shut'])
    const wrong = async (only: string): Promise<string> => {
      const { exit, out, err } = await terminal.run(['check', 'app', '--only', only])
      assert.deepEqual([exit === 0, out], [false, ''])
      return err
    }
    assert.match(await wrong('dors'), /^skerry: not_found: no service 'dors'; the nearest is 'doors'[^\n]*\n$/)
    assert.match(
      await wrong('doors:openned'),
      /^[^\n]*doors has no handler for 'openned'; the nearest is 'opened'[^\n]*\n$/,
    )
    assert.match(await wrong('doors:opened,hall.shot'), /no handler for 'hall.shot'; the nearest is 'hall.shut'/)
    assert.match(await wrong('doors:a,b,c'), /name two event types at most/)
  })

  test('what is not there is named', async () => {
    const nowhere = await terminal.run(['check', 'nowhere'])
    assert.deepEqual([nowhere.exit, nowhere.out], [1, ''])
    assert.match(nowhere.err, /there is no nowhere/)
    assert.equal((await terminal.run(['check', 'app', '--replay', 'x'])).exit, 64)
  })
})
