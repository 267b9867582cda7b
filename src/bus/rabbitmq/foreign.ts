import type { ExchangeTarget, ForeignAdapter, QueuePlace } from '../foreign.ts'
import { ExchangeSending } from './foreign-exchange.ts'
import { QueueReceiving } from './foreign-queue.ts'
import { Link } from './link.ts'

const timeoutMs = 10_000
const heartbeatSeconds = 5

export const foreign: ForeignAdapter = {
  receive({ url, place, name, clock }, intake) {
    const link = new Link({ url, name: `skerry source ${name}`, clock, heartbeatSeconds, timeoutMs })
    return new QueueReceiving({ link, place: place as QueuePlace, intake, clock })
  },
  send({ url, place, name, clock }) {
    const link = new Link({ url, name: `skerry sink ${name}`, clock, heartbeatSeconds, timeoutMs })
    return new ExchangeSending({ link, target: place as ExchangeTarget, clock, timeoutMs })
  },
}
