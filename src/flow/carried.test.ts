import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { call } from '../call.ts'
import { contract } from '../contract.ts'
import { replyEvent, requestEvent } from '../durable.ts'
import { carriedBy, isCarrier, isMeant } from './carried.ts'

const spec = call({ input: z.object({}), output: z.object({}), senders: ['ear'] })
const Desk = contract('desk', { events: {}, calls: { note: spec, close: spec } })

test('requests and replies of durable calls are known by the names of their events', () => {
  const [request, reply] = [requestEvent(Desk.note, 'ear'), replyEvent(Desk.note, 'ear')]
  const call = { call: 'desk.note', sender: 'ear' }
  assert.deepEqual(carriedBy('desk/durable_calls', request.service, request.name), { part: 'request', ...call })
  assert.deepEqual(carriedBy('ear/replies', reply.service, reply.name), { part: 'reply', ...call })
  assert.equal(carriedBy('desk/others', 'ear', 'heard_it'), undefined)
  assert.deepEqual([request.name, reply.name, 'heard_it'].map(isCarrier), [true, true, false])
  for (const { label } of [Desk.note, request, reply])
    assert.deepEqual([isMeant(Desk.note, label), isMeant(Desk.close, label)], [true, false])
  assert.deepEqual([isMeant(request, request.label), isMeant(request, reply.label)], [true, false])
})
