import { SkerryError } from '../../errors.ts'
import { laneCount } from '../../keys.ts'
import type { Cluster, TopicInfo } from './cluster.ts'
import type { Facts } from './facts.ts'

export interface TopicsOptions {
  readonly app: string
  /** Undefined: 8 for a new stream, and what there is for others. */
  readonly partitions: number | undefined
  /** Undefined: the brokers' own default. */
  readonly replication: number | undefined
}

/** What all processes agree on about a stream's topic. */
export interface Layout {
  readonly id: string
  /** How many partitions events are spread over: now, last, and before, when it was fewer. */
  readonly partitions: readonly number[]
}

const defaultPartitions = 8

/** How long a process goes on with the layout that it knows, in milliseconds. */
const trustMs = 30_000

/** What is stored is kept for good: people who want less set it on the topic. */
const keepAll = { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' }
const largestMessage = { 'max.message.bytes': String(8 * 1024 * 1024) }

/** The topics of an application: made when first needed, checked, and known again by their ids. */
export class Topics {
  readonly #cluster: Cluster
  readonly #facts: Facts
  readonly #options: TopicsOptions
  readonly #checked = new Map<string, { at: number; layout: Promise<Layout> }>()

  constructor(cluster: Cluster, facts: Facts, options: TopicsOptions) {
    this.#cluster = cluster
    this.#facts = facts
    this.#options = options
  }

  nameOf(stream: string): string {
    return `${this.#options.app}.${stream.replace(/[^a-zA-Z0-9.-]/g, asCode)}`
  }

  /** The layout of a stream; `anew` for the newest. Rejects with `log_changed` when its topic is not the one it was. */
  layoutOf(stream: string, anew = false): Promise<Layout> {
    const now = this.#cluster.options.clock.monotonic()
    const known = this.#checked.get(stream)
    if (known && !anew && now - known.at < trustMs) return known.layout
    const layout = known ? this.#renew(stream, known.layout) : this.#found(stream)
    this.#checked.set(stream, { at: now, layout })
    layout.catch(() => this.#checked.delete(stream))
    return layout
  }

  async #renew(stream: string, known: Promise<Layout>): Promise<Layout> {
    await known
    const layout = await this.#facts.get<Layout>(factOf(stream))
    if (!layout) throw changed(this.nameOf(stream), 'nobody knows of it any more')
    return layout
  }

  async #found(stream: string): Promise<Layout> {
    const topic = this.nameOf(stream)
    const recorded = await this.#facts.get<Layout>(factOf(stream))
    const info = await this.#cluster.topic(topic, recorded !== undefined)
    if (recorded && !info) throw changed(topic, 'it is gone')
    const there = info ?? (await this.#make(topic))
    const layout = await this.#facts.change<Layout>(factOf(stream), (known) => known ?? firstLayout(there))
    if (!layout || layout.id !== there.id) throw changed(topic, 'it was deleted and made again')
    await this.#check(topic, there)
    return this.#grow(stream, there, layout)
  }

  #make(topic: string): Promise<TopicInfo> {
    const { partitions = defaultPartitions, replication } = this.#options
    const inSync = replication !== undefined ? { 'min.insync.replicas': replication > 2 ? '2' : '1' } : {}
    const configs = { ...keepAll, ...largestMessage, ...inSync }
    return this.#cluster.makeTopic({ topic, partitions, replicas: replication, configs })
  }

  async #check(topic: string, { replicas }: TopicInfo): Promise<void> {
    const { replication } = this.#options
    if (replication !== undefined && replicas < replication)
      throw new SkerryError(
        'invalid_config',
        `topic ${topic} has ${replicas} copies, and ${replication} are asked for; reassign its partitions, or ask for fewer`,
      )
    const inSync = await this.#cluster.leastInSync(topic)
    if (replicas > 2 && inSync < 2)
      throw new SkerryError(
        'invalid_config',
        `topic ${topic} has ${replicas} copies, but acknowledges what only one has: set its min.insync.replicas to 2`,
      )
  }

  /** Partitions are added before anybody is told to use them. */
  async #grow(stream: string, there: TopicInfo, layout: Layout): Promise<Layout> {
    const wanted = this.#options.partitions ?? 0
    if (wanted <= (layout.partitions.at(-1) ?? 0)) return layout
    if (there.partitions < wanted) await this.#cluster.growTopic(this.nameOf(stream), wanted)
    const grown = await this.#facts.change<Layout>(factOf(stream), (known) =>
      known && (known.partitions.at(-1) ?? 0) < wanted
        ? { ...known, partitions: [...known.partitions, wanted] }
        : known,
    )
    return grown ?? layout
  }
}

/** More partitions than lanes would stay empty. */
const firstLayout = ({ id, partitions }: TopicInfo): Layout => ({ id, partitions: [Math.min(partitions, laneCount)] })

/** Kafka takes few characters in names. */
const asCode = (character: string): string => `_${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const factOf = (stream: string): string => `stream/${stream}`

export const changed = (topic: string, why: string): SkerryError =>
  new SkerryError(
    'log_changed',
    `topic ${topic} is not the one that this application wrote: ${why}. Events are missing. Bring the topic back, or begin ` +
      'anew with another SKERRY_APP and empty stores',
  )

/** The facts are in a topic of their own, which nothing is ever removed from. */
export async function makeFactsTopic(
  cluster: Cluster,
  topic: string,
  replication: number | undefined,
): Promise<TopicInfo> {
  const inSync = replication !== undefined ? { 'min.insync.replicas': replication > 2 ? '2' : '1' } : {}
  return (
    (await cluster.topic(topic)) ??
    (await cluster.makeTopic({ topic, partitions: 1, replicas: replication, configs: { ...keepAll, ...inSync } }))
  )
}
