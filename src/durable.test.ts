import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { call } from './call.ts'
import { contract, event } from './contract.ts'
import { codeOf, messageOf } from './errors.ts'
import { service } from './service.ts'

const nothing = z.object({})
const Desk = contract('desk', {
  events: {},
  calls: {
    note: call({ input: nothing, output: nothing, senders: ['ear', 'eye'] }),
    close: call({ input: nothing, output: nothing, senders: ['ear'] }),
    look: call({ input: nothing, output: nothing }),
  },
})

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.equal(codeOf(error), 'invalid_config')
    return messageOf(error)
  }
  return 'nothing was refused'
}

describe('durable calls', () => {
  test('come to one subscription of the service, from the streams of those who may send them', () => {
    const desk = service(Desk)
      .serve(Desk.note, () => ({}))
      .serve(Desk.close, () => ({}))
      .serve(Desk.look, () => ({}))
    const [subscription, ...more] = desk.subscriptions.values()
    assert.deepEqual([subscription?.name, subscription?.options, more], ['durable_calls', { from: 'start' }, []])
    assert.deepEqual(
      [...(subscription?.handlers.keys() ?? [])],
      ['ear.desk__note', 'eye.desk__note', 'ear.desk__close'],
    )
  })

  test('nothing else has the name of their subscription', () => {
    const of = (): unknown => service(Desk).subscribe('durable_calls', { from: 'now' })
    assert.match(refusal(of), /desk\/durable_calls: this name is for calls that are sent/)
  })

  test('a service to which nothing can be sent has no such subscription', () => {
    const Plain = contract('plain', { events: {}, calls: { look: call({ input: nothing, output: nothing }) } })
    assert.equal(service(Plain).serve(Plain.look, () => ({})).subscriptions.size, 0)
  })

  test('a contract names no senders of what changes nothing, nor any who may not call', () => {
    const of = (spec: object): string =>
      refusal(() =>
        contract('desk', { events: {}, calls: { note: call({ input: nothing, output: nothing, ...spec }) } }),
      )
    assert.match(of({ readOnly: true, senders: ['ear'] }), /call 'desk.note': what is read-only is not sent/)
    assert.match(of({ from: ['eye'], senders: ['ear'] }), /'ear' may send it, but is not among those who may call it/)
    assert.equal(of({ from: ['eye', 'ear'], senders: ['ear'] }), 'nothing was refused')
  })

  test('no event of a contract can be taken for a request or a reply', () => {
    assert.match(
      refusal(() => contract('ear', { events: { desk__note: event({ data: nothing }) } })),
      /event 'ear.desk__note': two underscores in a row are for durable calls/,
    )
  })

  test('replies come only to whom the contract lets send', () => {
    const nose = service(contract('nose', { events: {} }))
    assert.match(
      refusal(() => nose.onReply(Desk.note as never, { name: 'replies', from: 'start' }, () => {})),
      /desk.note: its contract does not let nose send it/,
    )
  })
})
