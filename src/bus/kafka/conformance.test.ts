import { after, before, describe } from 'node:test'
import type { ServerName } from '../../../test/servers/kinds.ts'
import { missing } from '../../../test/servers/needs.ts'
import { serverVersion } from '../../../test/servers/servers.ts'
import type { MakeBusFixture } from '../conformance/fixture.ts'
import { handing } from '../conformance/handing.ts'
import { busConformance } from '../conformance.ts'
import { type Broker, kafkaFixture, startBroker } from './fixture.ts'

onBroker('kafka', (make) => busConformance('kafka', make))

// The rest of the suite asks the inbox, which is the same; `kafka.test.ts` runs whole on both.
onBroker('kafka 3.9', (make) => describe('handing out', () => handing(make)))

function onBroker(name: ServerName, suite: (make: MakeBusFixture) => void): void {
  describe(`on a private ${name}`, { skip: missing(name) }, () => {
    let broker: Broker
    before(async () => {
      broker = await startBroker(serverVersion(name) as string)
    })
    after(() => broker.dispose())
    suite(kafkaFixture(() => broker))
  })
}
