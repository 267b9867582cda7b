import type { Clock } from '../../time.ts'
import type { ForeignAdapter, TopicPlace, TopicTarget } from '../foreign.ts'
import { TopicSending } from './foreign-sending.ts'
import { TopicReceiving } from './foreign-topic.ts'
import { clusterAt } from './open.ts'

const timeouts = { connectTimeoutMs: 10_000, sessionTimeoutMs: 15_000 }

const cluster = (url: string, name: string, clock: Clock) =>
  clusterAt({ ...timeouts, url, clock, clientId: `skerry-${name.replace('/', '-')}` })

export const foreign: ForeignAdapter = {
  receive: ({ url, place, name, clock }, intake) =>
    new TopicReceiving({ cluster: cluster(url, name, clock), place: place as TopicPlace, intake }),
  send: ({ url, place, name, clock }) => new TopicSending(cluster(url, name, clock), place as TopicTarget),
}
