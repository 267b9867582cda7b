import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import { freePort } from '../../test/servers/process.ts'
import { call } from '../call.ts'
import { contract } from '../contract.ts'
import { client } from '../mesh.ts'
import { type Started, Terminal } from './fixture.ts'

const library = new URL(`../index${import.meta.url.slice(-3)}`, import.meta.url).href
const zod = import.meta.resolve('zod')

const shape = { http: 'GET /who', input: z.object({}), output: z.object({ by: z.int() }) } as const
const Bank = contract('bank', { events: {}, calls: { who: call(shape), stay: call({ ...shape, http: 'POST /stay' }) } })
/** Says which process it is. */
const bank = `
import { call, contract, service } from '${library}'
import { z } from '${zod}'
const shape = { http: 'GET /who', input: z.object({}), output: z.object({ by: z.int() }) }
const Bank = contract('bank', { events: {}, calls: { who: call(shape), stay: call({ ...shape, http: 'POST /stay' }) } })
export const bank = service(Bank)
bank.serve(Bank.who, async () => ({ by: process.pid }))
bank.serve(Bank.stay, {
  prepare: async () => {
    console.log('{"kind":"staying"}')
    // Until nothing listens here any more.
    while (process.getActiveResourcesInfo().includes('TCPServerWrap')) await new Promise((go) => setTimeout(go, 10))
  },
  handle: async () => ({ by: process.pid }),
})
`

interface Listed {
  readonly ready: number
  readonly expected: number
  readonly load: number
  readonly gaps: readonly string[]
  readonly instances: readonly {
    readonly id: string
    readonly address: string
    readonly frames: string
    readonly load: number | null
  }[]
}

describe('processes of skerry run that share one port', () => {
  let terminal: Terminal
  let registry: Started
  before(async () => {
    terminal = await Terminal.open()
    await terminal.write('bank.ts', bank)
    registry = terminal.start('registry', '--dir', 'a', '--json', '--settle-seconds', '1')
    await registry.fact({ kind: 'ready' })
  })
  after(async () => {
    registry.child.kill('SIGTERM')
    assert.equal((await registry.ended).exit, 0)
    await terminal.close()
  })

  /** What `skerry endpoints` says once all are there and have said their load. */
  async function listing(): Promise<Listed> {
    for (;;) {
      const { out } = await terminal.run(['endpoints', '--dir', 'a', '--json'])
      const [listed] = JSON.parse(out) as [Listed?]
      if (listed?.instances.length === 3 && listed.instances.every(({ load }) => load !== null)) return listed
    }
  }

  const at = (): string => `unix:${join(terminal.folder, 'a', 'registry.sock')}`
  const run = async (): Promise<{ parent: Started; ports: number[]; pids: number[] }> => {
    const ports = [await freePort(), await freePort()]
    const doors = ['--http', String(ports[0]), '--frames', String(ports[1]), '--registry', at()]
    const parent = terminal.start('run', 'bank.ts', '--dir', 'a', '--json', '--processes', '3', ...doors)
    const pids: number[] = []
    for (const n of [1, 2, 3]) pids.push(Number((await parent.fact({ kind: 'ready' }, n)).pid))
    return { parent, ports, pids }
  }

  /** A client of the registry. */
  function asking(frames: boolean, onAnswer: (from: string | undefined) => void = () => {}) {
    const secret = readFileSync(join(terminal.folder, 'a', 'registry.secret'), 'utf8').trim()
    return client(Bank, {
      registry: { address: at(), secret },
      onAnswer: (_call, told) => onAnswer(told.from),
      ...(!frames && { frames }),
    })
  }

  /** Processes that answer, by the instance that was asked, until it were so many. */
  async function asked(wanted: number, frames = true): Promise<Map<number, string | undefined>> {
    let from: string | undefined
    const bank = asking(frames, (said) => {
      from = said
    })
    const seen = new Map<number, string | undefined>()
    while (seen.size < wanted) {
      const { by } = await bank.call(Bank.who, {})
      assert.equal(seen.get(by) ?? from, from, 'an instance is one process')
      seen.set(by, from)
    }
    await bank.close()
    return seen
  }

  test('are an instance each: all ready, and asked one by one, though others reach them at that port', async () => {
    const { parent, ports, pids: first } = await run()
    const listed = await listing()
    assert.deepEqual([listed.ready, listed.expected, listed.load, listed.gaps], [3, 3, 0, []])
    const places = listed.instances.flatMap(({ address, frames }) => [address, frames])
    assert.equal(new Set(places).size, 6)
    for (const place of places) assert.ok(!ports.includes(Number(new URL(place).port)), place)
    const ids = listed.instances.map(({ id }) => id).sort()
    for (const seen of [await asked(3), await asked(3, false)]) {
      assert.deepEqual([...seen.keys()].sort(), first.toSorted())
      assert.deepEqual([...seen.values()].sort(), ids)
    }
    const answer = (await (await fetch(`http://127.0.0.1:${ports[0]}/who`)).json()) as { by: number }
    assert.ok(first.includes(answer.by))

    process.kill(first[0] as number, 'SIGKILL')
    const fourth = Number((await parent.fact({ kind: 'ready' }, 4)).pid)
    assert.deepEqual((await listing()).gaps, [])
    assert.ok((await asked(3)).has(fourth))
    parent.child.kill('SIGTERM')
    assert.equal((await parent.ended).exit, 0)
  })

  test('answer what is under way there when they stop', async () => {
    const { parent, pids } = await run()
    await listing()
    const clients = [asking(true), asking(false)]
    const answers = clients.map((one) => one.call(Bank.stay, {}))
    await parent.fact({ kind: 'staying' }, 2)
    parent.child.kill('SIGTERM')
    for (const { by } of await Promise.all(answers)) assert.ok(pids.includes(by))
    for (const one of clients) await one.close()
    assert.equal((await parent.ended).exit, 0)
  })

  test('what they cannot share is refused at once, with what can be', async () => {
    for (const [door, address, why] of [
      ['--http', 'unix:bank.sock', 'cannot share a socket; give --http with a port, or run one process'],
      ['--frames', 'unix:bank.sock', 'cannot share a socket; give --frames with a port, or run one process'],
      [
        '--grpc',
        '50051',
        'cannot share a port for gRPC; give --grpc 0, which is a free port for each, or run one process',
      ],
    ] as const) {
      const { exit, err } = await terminal.run(['run', 'bank.ts', '--dir', 'b', '--processes', '2', door, address])
      assert.deepEqual([exit, err], [64, `skerry: ${door} ${address}: several processes ${why}\n`])
    }
  })
})
