/** The table of scenarios: who runs, how much, and the targets that must hold. Extend it here. */
import { engineScenarios } from './engine-scenarios.ts'
import { meshScenarios } from './mesh-scenarios.ts'
import type { Contender, Scenario } from './types.ts'

const FULL = 'FULL' as const
const NORMAL = 'NORMAL' as const

export const scenarios: readonly Scenario[] = [
  {
    name: 'exactly-once',
    title: 'Exactly-once handling: one row changed, one event emitted',
    shows: 'rate',
    reference: 'limit',
    core: true,
    rounds: 5,
    perSecond: 0,
    timeoutS: 180,
    contenders: [
      { name: 'limit', program: 'limit.ts', durability: FULL, events: 200_000 },
      { name: 'skerry', program: 'contenders/skerry-exactly-once.ts', durability: FULL, events: 200_000 },
      graphile({ name: 'graphile-worker', program: 'peers/graphile-exactly-once.ts', events: 10_000 }),
      bullmq({
        name: 'bullmq+postgres',
        program: 'peers/bullmq-exactly-once.ts',
        durability: FULL,
        events: 10_000,
        servers: ['redis-server', 'postgresql'],
        options: { concurrency: 50 },
      }),
    ],
    targets: [
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'limit', atLeast: 0.5 },
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'graphile-worker', atLeast: 5 },
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'bullmq+postgres', atLeast: 5 },
    ],
  },
  {
    name: 'noop',
    title: 'Durable handling by a handler that does nothing',
    shows: 'rate',
    reference: 'jetstream',
    core: true,
    rounds: 5,
    perSecond: 0,
    timeoutS: 180,
    contenders: [
      jetstream({ name: 'jetstream', program: 'peers/jetstream-noop.ts', events: 100_000 }),
      jetstream({
        name: 'jetstream, callback',
        program: 'peers/jetstream-noop.ts',
        events: 100_000,
        options: { callback: true },
      }),
      bullmq({ name: 'bullmq', program: 'peers/bullmq-noop.ts', durability: NORMAL, events: 30_000 }),
      { name: 'skerry', program: 'contenders/skerry-noop.ts', durability: NORMAL, events: 200_000 },
    ],
    targets: [
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'jetstream', atLeast: 2 },
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'bullmq', atLeast: 5 },
    ],
  },
  {
    name: 'publish',
    title: 'Confirmed publish, 256 in flight',
    shows: 'rate',
    reference: 'jetstream',
    core: true,
    rounds: 5,
    perSecond: 0,
    timeoutS: 180,
    contenders: [
      jetstream({ name: 'jetstream', program: 'peers/jetstream-publish.ts', events: 100_000 }),
      { name: 'skerry', program: 'contenders/skerry-publish.ts', durability: NORMAL, events: 200_000 },
      {
        name: 'skerry, two processes',
        program: 'contenders/skerry-publish.ts',
        durability: NORMAL,
        events: 200_000,
        options: { processes: 2 },
      },
    ],
    targets: [{ kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'jetstream', atLeast: 2 }],
  },
  {
    name: 'latency',
    title: 'Publish to commit at a steady 1,000 events/s',
    shows: 'latency',
    reference: 'bare loop',
    core: true,
    rounds: 5,
    perSecond: 1_000,
    timeoutS: 120,
    contenders: [
      { name: 'bare loop', program: 'bare.ts', durability: FULL, events: 6_000 },
      {
        name: 'bare loop, two processes',
        program: 'bare.ts',
        durability: FULL,
        events: 6_000,
        options: { processes: 2 },
      },
      { name: 'skerry', program: 'contenders/skerry-latency.ts', durability: FULL, events: 6_000 },
      {
        name: 'skerry, two processes',
        program: 'contenders/skerry-latency.ts',
        durability: FULL,
        events: 6_000,
        options: { processes: 2 },
      },
      { name: 'skerry, NORMAL', program: 'contenders/skerry-latency.ts', durability: NORMAL, events: 6_000 },
      jetstream({ name: 'jetstream', program: 'peers/jetstream-latency.ts', events: 6_000 }),
      // The one before commits nothing: here the handler's effect is on disk when its latency ends, as everybody else's is.
      jetstream({
        name: 'jetstream, with its effect',
        program: 'peers/jetstream-latency.ts',
        events: 6_000,
        options: { effect: true },
      }),
      bullmq({ name: 'bullmq', program: 'peers/bullmq-latency.ts', durability: NORMAL, events: 6_000 }),
    ],
    // Both Skerry variants are held to the one-process loop: a bare loop has no second process to wait for.
    targets: [
      { kind: 'ratio', contender: 'skerry', metric: 'p50Us', reference: 'bare loop', atMost: 3 },
      { kind: 'ratio', contender: 'skerry', metric: 'p99Us', reference: 'bare loop', atMost: 3 },
      { kind: 'ratio', contender: 'skerry, two processes', metric: 'p50Us', reference: 'bare loop', atMost: 5 },
      { kind: 'ratio', contender: 'skerry, two processes', metric: 'p99Us', reference: 'bare loop', atMost: 5 },
      { kind: 'ratio', contender: 'skerry, NORMAL', metric: 'p50Us', reference: 'jetstream', below: 1 },
      { kind: 'ratio', contender: 'skerry, NORMAL', metric: 'p50Us', reference: 'bullmq', below: 1 },
    ],
  },
  {
    name: 'isolation',
    title: 'Healthy events at 500 events/s beside 1 % poison and 0.1 % that take 5 s',
    shows: 'pairs',
    core: true,
    rounds: 7,
    perSecond: 500,
    timeoutS: 180,
    contenders: [
      { name: 'skerry', program: 'contenders/skerry-isolation.ts', durability: FULL, events: 5_000 },
      bullmq({
        name: 'bullmq',
        program: 'peers/bullmq-isolation.ts',
        durability: NORMAL,
        events: 5_000,
        maxRounds: 3,
      }),
      {
        name: 'in order, Kafka-style',
        program: 'contenders/kafka-style-isolation.ts',
        durability: FULL,
        events: 5_000,
        maxRounds: 1,
      },
    ],
    targets: [{ kind: 'paired', contender: 'skerry', metric: 'p99Us', atMost: 1.2 }],
  },
  {
    name: 'overrun',
    title: 'Handlers that overrun their budget of 100 ms, beside healthy ones',
    shows: 'figures',
    core: true,
    rounds: 5,
    perSecond: 500,
    timeoutS: 120,
    contenders: [{ name: 'skerry', program: 'contenders/skerry-overrun.ts', durability: FULL, events: 5_000 }],
    targets: [
      { kind: 'figure', contender: 'skerry', figure: 'longestDelayMs', atMost: 150 },
      // The second try, alone, has ten times the budget.
      { kind: 'figure', contender: 'skerry', figure: 'longestAloneMs', atMost: 1_050 },
      { kind: 'figure', contender: 'skerry', figure: 'delaysPerOverrunner', atMost: 2 },
    ],
  },
  {
    name: 'measure',
    title: 'What measuring independence costs: CPU time for each event',
    shows: 'figures',
    core: false,
    // The program has rounds of its own.
    rounds: 1,
    perSecond: 0,
    timeoutS: 600,
    contenders: [
      { name: 'skerry', program: 'contenders/skerry-measure.ts', durability: NORMAL, events: 40_000 },
      {
        name: 'skerry, 2,000 events/s',
        program: 'contenders/skerry-measure.ts',
        durability: NORMAL,
        events: 3_000,
        options: { perSecond: 2_000 },
      },
    ],
    targets: [
      { kind: 'figure', contender: 'skerry', figure: 'overheadPercent', atMost: 3 },
      { kind: 'figure', contender: 'skerry, 2,000 events/s', figure: 'overheadPercent', atMost: 3 },
    ],
  },
  {
    name: 'check',
    title: 'The checker on one core: the whole shop, and three events in every order that can matter',
    shows: 'figures',
    core: false,
    rounds: 3,
    perSecond: 0,
    // Only CPU time is measured: a busy machine makes it slower, and not worse.
    timeoutS: 1_800,
    // Stores are in memory: nothing is durable, and nothing has to be.
    contenders: [{ name: 'skerry', program: 'contenders/skerry-check.ts', durability: NORMAL, events: 1 }],
    targets: [
      { kind: 'figure', contender: 'skerry', figure: 'deliveriesPerS', atLeast: 5_000 },
      { kind: 'figure', contender: 'skerry', figure: 'schedulesPerS', atLeast: 1_000 },
      { kind: 'figure', contender: 'skerry', figure: 'shopS', below: 20 },
    ],
  },
  {
    name: 'large',
    title: 'Growth: 10 thousand to 10 million events, 1 to 1 million keys',
    shows: 'figures',
    core: false,
    rounds: 1,
    perSecond: 0,
    timeoutS: 3_600,
    contenders: [{ name: 'skerry', program: 'contenders/skerry-large.ts', durability: FULL, events: 10_000_000 }],
    targets: [
      { kind: 'figure', contender: 'skerry', figure: 'costRatioByEvents', atMost: 1.25 },
      { kind: 'figure', contender: 'skerry', figure: 'costRatioByKeys', atMost: 1.25 },
      { kind: 'figure', contender: 'skerry', figure: 'startMs', below: 1_000 },
      { kind: 'figure', contender: 'skerry', figure: 'drainRssMb', atMost: 200 },
    ],
  },
  ...engineScenarios,
  ...meshScenarios,
]

/** What the command line knows scenarios by: their names, and those of groups. */
export const chosenNames: readonly string[] = [
  ...new Set([...scenarios.map(({ name }) => name), ...scenarios.flatMap(({ group }) => group ?? [])]),
]

/** JetStream syncs its files every two minutes by default, so it belongs to the NORMAL class. */
function jetstream(contender: Omit<Contender, 'durability' | 'servers'>): Contender {
  return { durability: NORMAL, servers: ['nats-server'], ...contender }
}

function bullmq(contender: Contender): Contender {
  return { servers: ['redis-server'], ...contender }
}

function graphile(contender: Omit<Contender, 'durability' | 'servers'>): Contender {
  return { durability: FULL, servers: ['postgresql'], ...contender }
}
