/**
 * The engines other than SQLite, each beside its own client at the same durability. NATS syncs every two minutes unless it
 * is told otherwise, which the server that Debian has cannot be, and Kafka leaves syncing to the operating system: NORMAL.
 * Quorum queues of RabbitMQ and PostgreSQL sync before they confirm: FULL. Skerry's stores are of the same class: SQLite
 * files, and on PostgreSQL a schema in the same database.
 */
import type { Contender, Durability, Scenario, ServerName } from './types.ts'

const group = 'engines'

interface Engine {
  readonly name: string
  readonly server: ServerName
  readonly durability: Durability
}

const nats: Engine = { name: 'nats', server: 'nats-server', durability: 'NORMAL' }
const rabbitmq: Engine = { name: 'rabbitmq', server: 'rabbitmq-server', durability: 'FULL' }
const kafka: Engine = { name: 'kafka', server: 'kafka', durability: 'NORMAL' }
const postgres: Engine = { name: 'postgres', server: 'postgresql', durability: 'FULL' }

function on({ name, server, durability }: Engine, contender: Omit<Contender, 'servers' | 'durability'>): Contender {
  return { durability, servers: [server], ...contender, options: { engine: name, ...contender.options } }
}

const engines: readonly Engine[] = [nats, rabbitmq, kafka, postgres]

/** Publish and handle, beside the engine's own client. */
function through(engine: Engine, events: number, others: readonly Partial<Contender>[] = []): Scenario {
  const raw = `${engine.name} client`
  const program = `contenders/raw-${engine.name}.ts`
  return {
    name: `${group}-${engine.name}`,
    group,
    title: `Publish and handle on ${engine.name}: confirmed, 256 in flight, acknowledged after a handler that does nothing`,
    shows: 'rate',
    reference: raw,
    keepsServers: true,
    core: false,
    rounds: 5,
    perSecond: 0,
    timeoutS: 120,
    contenders: [
      on(engine, { name: raw, program, events }),
      on(engine, { name: 'skerry', program: 'contenders/skerry-through.ts', events }),
      ...others.map((other) => on(engine, { name: raw, program, events, ...other })),
    ],
    targets: [{ kind: 'ratio', contender: 'skerry', metric: 'rate', reference: raw, atLeast: 0.7 }],
  }
}

export const engineScenarios: readonly Scenario[] = [
  through(nats, 60_000),
  through(rabbitmq, 30_000),
  through(kafka, 100_000, [
    { name: 'kafka client, event by event', events: 20_000, options: { batch: 1 }, maxRounds: 2 },
  ]),
  {
    name: `${group}-postgres`,
    group,
    title: 'Exactly-once handling on PostgreSQL: one row changed, one event emitted',
    shows: 'rate',
    reference: 'graphile-worker',
    core: false,
    rounds: 5,
    perSecond: 0,
    timeoutS: 180,
    contenders: [
      on(postgres, { name: 'skerry', program: 'contenders/skerry-exactly-once.ts', events: 50_000 }),
      on(postgres, { name: 'graphile-worker', program: 'peers/graphile-exactly-once.ts', events: 10_000 }),
      on(postgres, { name: 'pg-boss', program: 'peers/pg-boss-exactly-once.ts', events: 5_000 }),
      // One failing job takes back the other 49 with it: not the same promise, and shown for that reason only.
      on(postgres, {
        name: 'pg-boss, 50 jobs a transaction',
        program: 'peers/pg-boss-exactly-once.ts',
        events: 10_000,
        maxRounds: 3,
        options: { batchSize: 50, workers: 4 },
      }),
    ],
    targets: [
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'graphile-worker', atLeast: 3 },
      { kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'pg-boss', atLeast: 3 },
    ],
  },
  {
    name: `${group}-backlog`,
    group,
    title: 'Memory of a process that works off a backlog of 1 million events, ordered by key',
    shows: 'figures',
    keepsServers: true,
    core: false,
    rounds: 1,
    perSecond: 0,
    timeoutS: 600,
    contenders: engines.map((engine) =>
      on(engine, {
        name: nameOn(engine),
        program: 'contenders/skerry-backlog.ts',
        events: 1_000_000,
        // Each event is a round trip there: the whole backlog would take minutes, and memory does not grow with it.
        ...(engine === postgres && { options: { worksOff: 50_000 } }),
      }),
    ),
    targets: engines.map((engine) => ({
      kind: 'figure',
      contender: nameOn(engine),
      figure: 'drainRssMb',
      atMost: 200,
    })),
  },
  {
    name: `${group}-isolation`,
    group,
    title: 'Healthy events at 500 events/s beside 1 % poison and 0.1 % that take 5 s, on each engine',
    shows: 'pairs',
    keepsServers: true,
    core: false,
    rounds: 7,
    perSecond: 500,
    timeoutS: 120,
    contenders: engines.map((engine) =>
      on(engine, {
        name: nameOn(engine),
        program: 'contenders/skerry-isolation.ts',
        events: 1_250,
        options: { warmUp: 0.2 },
      }),
    ),
    targets: engines.map((engine) => ({
      kind: 'paired',
      contender: nameOn(engine),
      metric: 'p99Us',
      atMost: 1.2,
    })),
  },
]

function nameOn({ name }: Engine): string {
  return `skerry on ${name}`
}
