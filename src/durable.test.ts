import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { call } from './call.ts'
import { contract, event } from './contract.ts'
import { codeOf, messageOf } from './errors.ts'
import { type DurableCallOptions, service } from './service.ts'

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

  test('are handled as their service says, by the names and within the ranges of any subscription', () => {
    const given = {
      order: 'key',
      retry: { attempts: 3 },
      budgetMs: 50,
      concurrency: 2,
      rate: { events: 9, perMs: 1000 },
    }
    const durable = { ...given, dependsOn: [[Desk.close, 'the later one counts']] } as const
    const desk = service(Desk, { durableCalls: durable as DurableCallOptions })
      .serve(Desk.note, () => ({}), { dependsOn: [[Desk.note, 'so do these']] })
      .serve(Desk.close, () => ({}))
    const { dependsOn, ...options } = desk.subscriptions.get('durable_calls')?.options ?? {}
    assert.deepEqual(options, { ...given, from: 'start' })
    assert.deepEqual(
      dependsOn?.map(([type]) => type.label),
      ['desk.close', 'desk.note'],
    )
    const of = (durableCalls: DurableCallOptions): string => refusal(() => service(Desk, { durableCalls }))
    assert.match(of({ budgetMs: 0 }), /^desk\/durable_calls: budgetMs 0 is not within 1–60000/)
    assert.match(of({ retry: { attempts: 1.5 } }), /^desk\/durable_calls: retry.attempts 1.5 is not a whole number/)
  })

  test('cannot be provided for by a service to which nothing can be sent', () => {
    const Plain = contract('plain', { events: {}, calls: { look: call({ input: nothing, output: nothing }) } })
    const of = (): unknown => service(Plain, { durableCalls: { order: 'key' } })
    assert.match(refusal(of), /plain: durableCalls is given, but its contract lets nobody send it a call/)
  })

  test('have replies that are handled as any subscription says', () => {
    const options = { name: 'replies', from: 'now', order: 'key', retry: { attempts: 3 }, concurrency: 2 } as const
    const ear = service(contract('ear', { events: {} }))
      .onReply(Desk.note, options, () => {})
      .onReply(Desk.close, { ...options, name: 'prepared', prepare: () => 1, handle: () => {} })
    assert.deepEqual(ear.subscriptions.get('replies')?.options, options)
    assert.equal(ear.subscriptions.get('prepared')?.options.retry?.attempts, 3)
    const wrong = (): unknown => ear.onReply(Desk.note, { ...options, name: 'no', concurrency: 0 }, () => {})
    assert.match(refusal(wrong), /ear\/no: concurrency 0 is not within 1–10000/)
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

  test('have names by which a request is never taken for the reply of another', () => {
    const named = (name: string, senders: string[]): string =>
      refusal(() =>
        contract('desk', { events: {}, calls: { [name]: call({ input: nothing, output: nothing, senders }) } }),
      )
    for (const name of ['reply', 'note__reply'])
      assert.match(named(name, ['ear']), /call 'desk\.\w+': what is sent is not called 'reply'/)
    assert.equal(named('reply', []), 'nothing was refused')
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
