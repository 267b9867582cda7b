import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { call } from '../../call.ts'
import { contract } from '../../contract.ts'
import { planInput, readInput } from '../server/input.ts'
import { writeCall } from './exchange.ts'

const Found = z.object({
  in: z.string(),
  least: z.int().nullable(),
  sold: z.boolean().nullable().optional(),
  tags: z.array(z.string()),
  note: z.string().nullable().optional(),
})
const Shop = contract('shop', {
  events: {},
  calls: {
    find: call({ http: 'GET /found/{in}', input: Found, output: z.object({}) }),
    keep: call({ input: z.any(), output: z.any() }),
  },
})

/** What a server reads of what a client writes. */
function carried(input: z.input<typeof Found>): unknown {
  const { path, query } = writeCall(Shop.find, input)
  const fields = new URLSearchParams(query)
  const said = [...new Set(fields.keys())].map((name) => {
    const all = fields.getAll(name)
    return [name, all.length > 1 ? all : (all[0] as string)]
  })
  const params = { in: decodeURIComponent(path.slice('/found/'.length)) }
  return readInput(planInput(Shop.find), { params, query: Object.fromEntries(said), body: undefined })
}

test('what JSON cannot hold is refused as such', () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  for (const input of [undefined, { n: 1n }, circle])
    assert.throws(() => writeCall(Shop.keep, input), {
      code: 'invalid_request',
      message: /^shop\.keep: its input is nothing that JSON holds/,
    })
})

describe('an input that goes in path and query', () => {
  test('comes as it was given: numbers, nulls, lists of none, one and two', () => {
    for (const tags of [[], ['a'], ['a', 'b']])
      for (const least of [null, 0, -7])
        for (const name of ['tea', 'a/b', 'ü €', '%2F']) {
          const input = { in: name, least, sold: null, tags }
          assert.deepEqual(carried(input), input)
        }
  })

  test('is refused where they cannot hold it, and nothing else is asked for instead', () => {
    const input = { in: 'tea', least: 1, tags: [] }
    const refused = (message: RegExp) => ({ code: 'invalid_request', message })
    assert.throws(
      () => carried({ ...input, note: null }),
      refused(/^shop\.find: 'note' stands in a query, where a text/),
    )
    for (const name of ['', '.', '..', '\ud800'])
      assert.throws(() => carried({ ...input, in: name }), refused(/^shop\.find: 'in' stands in its path/))
  })
})
