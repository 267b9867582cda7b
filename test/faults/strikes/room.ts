import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { rabbitmqctl } from '../../servers/rabbitmq.ts'
import { appOf } from '../books.ts'
import type { EngineName } from '../engines.ts'
import { between, moments } from '../plan.ts'
import { everywhere, type Fault, type Scene } from '../scene.ts'

/** What is read ahead, or in an inbox, is handled for a while yet. */
const stillMs = 2000
const longestMs = 20_000

/** RabbitMQ stops publishers when less than 50 MB are free, and breaks at nothing. */
const leave: Readonly<Partial<Record<EngineName, number>>> = { rabbitmq: 40_000_000 }

export const diskFull: Fault = {
  name: 'disk-full',
  about: "the broker's disk is full for a while, then has room again; a broker that ended by it is started again",
  on: everywhere,
  needs: 'disk',
  async strike({ engine, month, broker, disk, random, struck, recovers }) {
    const [at = 0] = moments(random, 1, 0.2, 0.5)
    await month.reaches(at)
    disk?.fill(leave[engine] ?? 0)
    struck()
    await month.standsStill(stillMs, longestMs)
    await sleep(between(random, 1000, 5000))
    disk?.free()
    // NATS turns JetStream off for good, Kafka ends: both want a start.
    if (engine === 'nats') await broker.stop()
    if (!broker.alive) await broker.start()
    await recovers()
  },
}

export const limitReached: Fault = {
  name: 'limit',
  about: "the stream's or the queues' limit is reached, and then raised by whoever runs the server",
  on: (engine) => engine === 'nats' || engine === 'rabbitmq',
  async strike(scene) {
    const { month, random, struck, recovers } = scene
    for (const at of moments(random, 2)) {
      await month.reaches(at)
      await limit(scene, true)
      struck()
      await month.standsStill(stillMs, longestMs)
      await limit(scene, false)
      await recovers()
    }
  },
}

async function limit({ engine, month, broker, busUrl }: Scene, on: boolean): Promise<void> {
  const app = appOf(month.state)
  if (engine === 'nats') {
    const connection = await connect({ servers: new URL(busUrl).host })
    const jsm = await jetstreamManager(connection)
    const { state } = await jsm.streams.info(`SKERRY_${app}`)
    await jsm.streams.update(`SKERRY_${app}`, { max_bytes: on ? state.bytes : -1 })
    await connection.close()
  } else if (on) {
    const full = JSON.stringify({ 'max-length-bytes': 1, overflow: 'reject-publish' })
    const pattern = `^skerry\\.${app}\\.inbox\\.`
    await rabbitmqctl(broker.folder, 'set_policy', 'full', pattern, full, '--apply-to', 'queues')
  } else await rabbitmqctl(broker.folder, 'clear_policy', 'full')
}
