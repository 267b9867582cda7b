import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inHouse, upTo } from '../conformance/house.ts'
import { listener, record } from '../conformance/words.ts'
import { flowConformance, flowParts } from '../conformance.ts'
import { kafkaFixture, onBroker, slowParts } from './fixture.ts'

onBroker((broker) => {
  flowConformance(
    'kafka bus, sqlite store',
    () => kafkaFixture(broker()),
    flowParts.filter((part) => !slowParts.includes(part)),
  )

  test('a service that is new gets all that was published before anybody knew of it, and what comes after', () =>
    inHouse(
      () => kafkaFixture(broker()),
      async (house) => {
        const outside = await house.open([])
        await house.say(outside, upTo(20))
        const service = listener({ order: 'key' }, record)
        const app = await house.open([service])
        await house.say(outside, [21])
        await house.settled(app)
        assert.deepEqual(await house.numbers(service), upTo(21))
      },
    ))
})
