import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Endpoint } from '../../endpoint.ts'
import type { View } from '../watching.ts'
import { lost, told } from './merge.ts'
import type { ServiceView } from './messages.ts'

const endpoint = (id: string, address = `http://${id}.test:80`): Endpoint => ({ id, address, labels: {}, weight: 1 })
const said = (ids: string[], more: Partial<ServiceView> = {}): ServiceView => ({
  service: 'orders',
  endpoints: ids.map((id) => endpoint(id)),
  ...more,
})
const idsOf = ({ endpoints }: View): string[] => endpoints.map(({ id }) => id)

/** Three were known when the registry went away. */
const away = lost(told(undefined, said(['a', 'b', 'c'], { expected: 3 })))

describe('what a client knows of a service', () => {
  test('is what the registry says, an emptier list too', () => {
    const live = told(told(undefined, said(['a', 'b'])), said(['a'], { expected: 2 }))
    assert.deepEqual(live, { endpoints: [endpoint('a')], expected: 2, freshness: 'live' })
  })

  test('stays as it is while the registry is away', () => {
    assert.deepEqual([idsOf(away), away.expected, away.freshness], [['a', 'b', 'c'], 3, 'kept'])
  })

  test('keeps those that a new registry has not seen yet, for as long as it settles', () => {
    const first = told(away, said([], { seen: [] }))
    assert.deepEqual(idsOf(first), ['a', 'b', 'c'])
    const second = told(first, said(['b'], { seen: ['b'] }))
    assert.deepEqual([idsOf(second), second.freshness, second.expected], [['b', 'a', 'c'], 'settling', 3])
    assert.deepEqual(idsOf(told(second, said(['b', 'd']))), ['b', 'd'])
  })

  test('loses at once who came back and went again, or came back and is not ready', () => {
    const back = told(away, said(['a', 'b'], { seen: ['a', 'b'] }))
    assert.deepEqual(idsOf(told(back, said(['b'], { seen: ['a', 'b'] }))), ['b', 'c'])
    assert.deepEqual(idsOf(told(away, said([], { seen: ['a'] }))), ['b', 'c'])
  })

  test('loses who has been replaced at its address', () => {
    const replaced = told(away, { ...said([], { seen: ['z'] }), endpoints: [endpoint('z', 'http://a.test:80')] })
    assert.deepEqual(idsOf(replaced), ['z', 'b', 'c'])
  })

  test('survives a registry that goes away again before it has settled', () => {
    const again = lost(told(away, said(['a'], { seen: ['a'] })))
    assert.deepEqual(idsOf(told(again, said([], { seen: [] }))), ['a', 'b', 'c'])
  })

  test('of a registry that settles is all there is for a client that knew nothing', () => {
    const view = told(undefined, said(['a'], { seen: ['a'] }))
    assert.deepEqual(view, { endpoints: [endpoint('a')], freshness: 'settling' })
  })
})
