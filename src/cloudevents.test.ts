import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  fromBatched,
  fromBinary,
  fromStructured,
  modeOf,
  type StreamEvent,
  toBatched,
  toBinary,
  toStructured,
} from './cloudevents.ts'
import { codeOf, messageOf } from './errors.ts'
import { cancelType, type EventRecord } from './event.ts'

const now = Date.UTC(2010, 11, 1, 8, 26)
const record: EventRecord = {
  id: '1',
  type: 'placed',
  version: 2,
  key: 'A-17',
  time: now,
  due: 0,
  expires: 0,
  attributes: undefined,
  data: '{"amount":12.50}',
}
const minimal = { specversion: '1.0', id: '1', source: 'orders', type: 'shop.orders.placed.v2' }

const read = (changes: Record<string, unknown>): StreamEvent =>
  fromStructured(JSON.stringify({ ...minimal, ...changes }), now)

function refuses(attribute: string, attempt: () => unknown): void {
  assert.throws(attempt, (error) => {
    assert.equal(codeOf(error), 'invalid_event')
    assert.ok(messageOf(error).startsWith(`${attribute}:`), messageOf(error))
    return true
  })
}

const characters = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((s) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(s))
const filled = characters.filter((s) => s !== '')
const time = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,8}$/)
const stream = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
const taken = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'subject',
  'partitionkey',
  'duetime',
  'expirytime',
  'data',
]
const attribute = fc
  .stringMatching(/^[a-z0-9]{1,20}$/)
  .filter((s) => ![...taken, 'datacontenttype', 'dataschema'].includes(s))
const value = fc.oneof(characters, fc.boolean(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))

const plain = { noNullPrototype: true }
const events: fc.Arbitrary<StreamEvent> = fc.record(
  {
    stream,
    record: fc.record(
      {
        id: filled,
        type: fc.oneof(
          name,
          name.map((n) => `com.example.${n}`),
        ),
        version: fc.integer({ min: 1, max: 65535 }),
        key: characters,
        time,
        due: time,
        expires: time,
        attributes: fc.option(fc.dictionary(attribute, value, { minKeys: 1, ...plain }), { nil: undefined }),
        data: fc.json().map((text) => JSON.stringify(JSON.parse(text))),
      },
      plain,
    ),
  },
  plain,
)
/** A foreign type says nothing of a version. */
const consistent = events.map((e) => (e.record.type.includes('.') ? { ...e, record: { ...e.record, version: 1 } } : e))

describe('CloudEvents', () => {
  test('an event survives the JSON format unchanged', () => {
    fc.assert(fc.property(consistent, name, (e, app) => assert.deepEqual(fromStructured(toStructured(e, app), 0), e)))
  })

  test('a batch survives unchanged', () => {
    fc.assert(
      fc.property(fc.array(consistent, { maxLength: 4 }), (all) =>
        assert.deepEqual(fromBatched(toBatched(all, 'a'), 0), all),
      ),
    )
  })

  test('an event survives binary mode, where all extensions are strings', () => {
    fc.assert(
      fc.property(consistent, (e) => {
        const { attributes } = e.record
        const strings = attributes && Object.fromEntries(Object.entries(attributes).map(([k, v]) => [k, String(v)]))
        assert.deepEqual(fromBinary(toBinary(e, 'a'), 0), { ...e, record: { ...e.record, attributes: strings } })
      }),
    )
  })

  test('headers are printable ASCII without spaces, quotes or bare percent signs', () => {
    fc.assert(
      fc.property(consistent, (e) => {
        for (const [header, text] of Object.entries(toBinary(e, 'a').headers))
          assert.match(text, header === 'content-type' ? /^application\/json$/ : /^(?:[!#$&-~]|%[0-9A-F]{2})*$/)
      }),
    )
  })

  test('an event is one line of the words that CloudEvents has for it', () => {
    const full: EventRecord = {
      ...record,
      due: now + 1000,
      expires: now + 60_000,
      attributes: { correlationid: 'c', sequence: 7, dataschema: 'https://example.com/order.json' },
    }
    const line = toStructured({ stream: 'orders', record: full }, 'shop')
    assert.ok(!line.includes('\n'))
    assert.ok(line.endsWith(',"data":{"amount":12.50}}'), 'data is passed through')
    assert.deepEqual(JSON.parse(line), {
      specversion: '1.0',
      id: '1',
      source: 'orders',
      type: 'shop.orders.placed.v2',
      datacontenttype: 'application/json',
      time: '2010-12-01T08:26:00.000Z',
      subject: 'A-17',
      partitionkey: 'A-17',
      duetime: '2010-12-01T08:26:01.000Z',
      expirytime: '2010-12-01T08:27:00.000Z',
      correlationid: 'c',
      sequence: 7,
      dataschema: 'https://example.com/order.json',
      data: { amount: 12.5 },
    })
  })

  test('an attribute of an event cannot pose as one of its own fields', () => {
    const line = toStructured({ stream: 'orders', record: { ...record, attributes: { id: 'x', time: 'y' } } }, 'shop')
    assert.equal(JSON.parse(line).id, '1')
    assert.equal(JSON.parse(line).time, '2010-12-01T08:26:00.000Z')
  })

  test('a withdrawal travels, and is refused without the id and type of what it withdraws', () => {
    const cancel = { ...record, type: cancelType, version: 1, data: '{"id":"7","type":"placed"}' }
    assert.deepEqual(fromStructured(toStructured({ stream: 'orders', record: cancel }, 'shop'), 0).record, cancel)
    refuses('data', () => read({ type: 'shop.orders.~cancel.v1', data: { type: 'placed' } }))
    refuses('data', () => read({ type: 'shop.orders.~cancel.v1', data: { id: '7' } }))
  })
})

describe('CloudEvents of others', () => {
  test('the least that an event may say is enough', () => {
    assert.deepEqual(read({}), {
      stream: 'orders',
      record: { ...record, key: '', data: 'null' },
    })
  })

  test('types are read as far as they can be', () => {
    const typed = (type: string, source = 'orders'): string => {
      const e = read({ type, source }).record
      return `${e.type} ${e.version}`
    }
    assert.equal(typed('placed'), 'placed 1')
    assert.equal(typed('placed.v3'), 'placed 3')
    assert.equal(typed('orders.placed.v3'), 'placed 3')
    assert.equal(typed('orders.orders.placed.v3'), 'placed 3')
    assert.equal(typed('com.example.shop.orders.placed.v3'), 'placed 3')
    assert.equal(typed('shop.invoices.placed.v3'), 'shop.invoices.placed.v3 1')
    assert.equal(typed('com.github.pull_request.opened', 'https://github.com/a/b'), 'com.github.pull_request.opened 1')
    refuses('type', () => read({ type: 'orders.placed.v0' }))
    refuses('type', () => read({ type: 'orders.placed.v65536' }))
  })

  test('the partition key is the key; without one, the subject is', () => {
    assert.equal(read({ subject: 's' }).record.key, 's')
    assert.deepEqual(read({ subject: 's' }).record.attributes, undefined)
    assert.equal(read({ partitionkey: 'p' }).record.key, 'p')
    const both = read({ subject: 's', partitionkey: 'p' })
    assert.equal(both.record.key, 'p')
    const out = JSON.parse(toStructured(both, 'shop'))
    assert.deepEqual([out.subject, out.partitionkey], ['s', 'p'])
  })

  test('times of any zone, case and precision are read as RFC 3339 says', () => {
    const at = (text: string): string => new Date(read({ time: text }).record.time).toISOString()
    assert.equal(at('2018-04-05T17:31:00Z'), '2018-04-05T17:31:00.000Z')
    assert.equal(at('2018-04-05t17:31:00.123456789z'), '2018-04-05T17:31:00.123Z')
    assert.equal(at('2018-04-05T17:31:00.5-07:30'), '2018-04-06T01:01:00.500Z')
    assert.equal(at('2018-04-05T00:31:00+01:00'), '2018-04-04T23:31:00.000Z')
    assert.equal(at('1998-12-31T23:59:60Z'), '1999-01-01T00:00:00.000Z')
    assert.equal(at('0050-02-28T00:00:00Z'), '0050-02-28T00:00:00.000Z')
    for (const wrong of ['2018-02-29T00:00:00Z', '2018-04-05', '2018-04-05T24:00:00Z', '2018-04-05T17:31:00', 5, ''])
      refuses('time', () => read({ time: wrong }))
  })

  test('an event that expired before 1970 expires', () => {
    assert.equal(read({ expirytime: '1960-01-01T00:00:00Z' }).record.expires, 1)
    assert.equal(read({ expirytime: '1970-01-01T00:00:00Z' }).record.expires, 1)
  })

  test('null says that an attribute is not set', () => {
    assert.deepEqual(read({ subject: null, comexampleother: null, time: null }), read({}))
  })

  test('data of another content type is kept as text', () => {
    const xml = read({ datacontenttype: 'text/xml', data: '<a/>' })
    assert.equal(xml.record.data, '"<a/>"')
    assert.equal(JSON.parse(toStructured(xml, 'shop')).datacontenttype, 'text/xml')
    const message = toBinary(xml, 'shop')
    assert.deepEqual([message.headers['content-type'], message.body], ['text/xml', '<a/>'])
    assert.deepEqual(fromBinary(message, 0), xml)
  })

  test('JSON of a more special type is JSON; a charset changes nothing', () => {
    const own = read({ datacontenttype: 'application/vnd.order+json', data: { a: 1 } })
    assert.deepEqual(fromBinary(toBinary(own, 'shop'), 0), own)
    assert.equal(read({ datacontenttype: 'Application/JSON; charset=utf-8' }).record.attributes, undefined)
  })

  test('binary data is read where it is JSON, and refused where it is not', () => {
    const base64 = Buffer.from('{ "a": 1 }').toString('base64')
    assert.equal(read({ data_base64: base64 }).record.data, '{"a":1}')
    refuses('data_base64', () => read({ data_base64: base64, datacontenttype: 'image/png' }))
    refuses('data_base64', () => read({ data_base64: base64, data: 1 }))
    refuses('data', () => read({ data_base64: 'AAAA' }))
  })

  test('headers of any case, quoted or percent-encoded, are read', () => {
    const headers = {
      'CE-specversion': '1.0',
      'Ce-Id': '"a \\"b\\""',
      'ce-source': '/x',
      'ce-type': 't',
      'ce-who': 'Euro%20%E2%82%AC%20%F0%9F%98%80',
    }
    const { record: e } = fromBinary({ headers, body: '{"a": 1}' }, now)
    assert.deepEqual([e.id, e.attributes, e.data], ['a "b"', { who: 'Euro € 😀' }, '{"a":1}'])
    refuses('who', () => fromBinary({ headers: { ...headers, 'ce-who': '%FF' }, body: '' }, now))
    refuses('data', () => fromBinary({ headers: { ...headers, 'ce-data': '1' }, body: '' }, now))
  })

  test('a content type says how a message carries its events', () => {
    assert.equal(modeOf('application/cloudevents+json; charset=utf-8'), 'structured')
    assert.equal(modeOf('application/cloudevents-batch+json'), 'batched')
    assert.equal(modeOf('application/json'), 'binary')
    assert.equal(modeOf(undefined), 'binary')
  })
})

describe('what is no CloudEvent is refused by the name of the attribute', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['specversion', { specversion: '0.3' }],
    ['specversion', { specversion: undefined }],
    ['id', { id: '' }],
    ['id', { id: 5 }],
    ['source', { source: undefined }],
    ['source', { source: 'a b' }],
    ['source', { source: '%zz' }],
    ['type', { type: '' }],
    ['subject', { subject: '' }],
    ['partitionkey', { partitionkey: 17 }],
    ['duetime', { duetime: 'soon' }],
    ['expirytime', { expirytime: 'never' }],
    ['comExampleOther', { comExampleOther: 'x' }],
    ['with_underscore', { with_underscore: 'x' }],
    ['ratio', { ratio: 0.5 }],
    ['big', { big: 2 ** 31 }],
    ['list', { list: [1] }],
    ['object', { object: {} }],
    ['bell', { bell: 'a\u0007b' }],
    ['half', { half: 'a\ud800b' }],
    ['none', { none: 'a\uffffb' }],
    ['dataschema', { dataschema: '' }],
    ['datacontenttype', { datacontenttype: 5 }],
  ]
  for (const [attribute, changes] of cases)
    test(`${attribute} of ${JSON.stringify(Object.values(changes)[0])}`, () => refuses(attribute, () => read(changes)))

  test('what is not an object, or not JSON', () => {
    for (const text of ['', '[]', '1', 'null', '{'])
      assert.throws(
        () => fromStructured(text, 0),
        (error) => codeOf(error) === 'invalid_event',
      )
    assert.throws(() => fromBatched('{}', 0), /array/)
  })

  test('on the way out, too', () => {
    const out =
      (changes: Partial<EventRecord>, streamName = 'orders') =>
      () =>
        toStructured({ stream: streamName, record: { ...record, ...changes } }, 'shop')
    refuses('id', out({ id: '' }))
    refuses('subject', out({ key: 'a\nb' }))
    refuses('time', out({ time: 9e15 }))
    refuses('data', out({ data: '{' }))
    refuses('ratio', out({ attributes: { ratio: 0.5 } }))
    refuses('source', out({}, 'a b'))
  })
})
