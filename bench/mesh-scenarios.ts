/** The scenarios of calls between services: who calls whom, in turns of a fraction of a second, and the targets. */
import type { Contender, Scenario, Target } from './types.ts'

const undici = { program: 'mesh/callers/undici.ts' }
const skerry = { program: 'mesh/callers/skerry.ts' }
const grpc = { program: 'mesh/callers/grpc-js.ts' }

const contenders: readonly Contender[] = [
  { name: 'undici', ...undici, beside: ['http'], options: { at: 'http' } },
  // What noise alone does to a ratio.
  { name: 'undici, again', ...undici, beside: ['http'], options: { at: 'http' } },
  { name: 'skerry', ...skerry, beside: ['http'], options: { over: 'http', endpoints: 1 } },
  { name: 'skerry, 64 endpoints', ...skerry, beside: ['http'], options: { over: 'http', endpoints: 64 } },
  // What as many sockets cost by themselves.
  { name: 'undici, 64 endpoints', ...undici, beside: ['http'], options: { at: 'http', endpoints: 64 } },
  { name: 'undici, nginx', ...undici, beside: ['http', 'nginx'], options: { at: 'nginx' } },
  { name: 'undici, haproxy', ...undici, beside: ['http', 'haproxy'], options: { at: 'haproxy' } },
  { name: 'skerry, frames', ...skerry, beside: ['frames'], options: { over: 'frames', endpoints: 1 } },
  { name: 'skerry, frames, 64 endpoints', ...skerry, beside: ['frames'], options: { over: 'frames', endpoints: 64 } },
  { name: 'moleculer', program: 'peers/moleculer-calls.ts', beside: ['moleculer'] },
  // The limit of the machine: see its file.
  { name: 'bare sockets', program: 'mesh/callers/sockets.ts', beside: ['sockets'] },
  { name: 'grpc-js', ...grpc, beside: ['grpc-js'], options: { at: 'grpc-js' } },
  { name: 'grpc-js, again', ...grpc, beside: ['grpc-js'], options: { at: 'grpc-js' } },
  { name: 'grpc-js, skerry serves', ...grpc, beside: ['grpc'], options: { at: 'grpc' } },
  { name: 'skerry, gRPC', ...skerry, beside: ['grpc'], options: { over: 'grpc', endpoints: 1 } },
].map((contender) => ({ ...contender, durability: 'NORMAL', events: 0 }))

const rate = { kind: 'blocks', metric: 'rate' } as const

const targets: readonly Target[] = [
  { ...rate, contender: 'skerry', reference: 'undici', atLeast: 0.9 },
  { ...rate, contender: 'skerry', reference: 'undici, nginx', atLeast: 1.3 },
  { ...rate, contender: 'skerry', reference: 'undici, haproxy', atLeast: 1.3 },
  { ...rate, contender: 'skerry, frames', reference: 'undici, nginx', atLeast: 2.5 },
  { ...rate, contender: 'skerry, frames', reference: 'undici, haproxy', atLeast: 2.5 },
  { ...rate, contender: 'skerry, frames', reference: 'moleculer', atLeast: 1.2 },
  { ...rate, contender: 'skerry, 64 endpoints', reference: 'skerry', atLeast: 0.9 },
  { kind: 'blocks', metric: 'cpuUs', contender: 'skerry, gRPC', reference: 'grpc-js', atMost: 1.1 },
]

const slowHost: Scenario = {
  name: 'mesh-slow-host',
  title: '1,000 requests/s of 10 clients to 11 instances, one of which answers in 2 s for 30 s',
  shows: 'figures',
  core: false,
  rounds: 1,
  perSecond: 1_000,
  timeoutS: 240,
  contenders: [
    { name: 'skerry', options: { balancing: 'default' } },
    { name: 'skerry, round robin', options: { balancing: 'round robin' } },
    { name: 'fewest in flight', options: { balancing: 'in flight' } },
  ].map((contender) => ({ ...contender, program: 'mesh/slow-host.ts', durability: 'NORMAL', events: 75_000 })),
  targets: [
    { kind: 'figure', contender: 'skerry', figure: 'withinASecondPercent', atLeast: 99.9 },
    { kind: 'figure', contender: 'skerry', figure: 'shareOfWhoFails', atMost: 0.5 },
    { kind: 'figure', contender: 'skerry', figure: 'retriesOfBudget', atMost: 1 },
  ],
}

/** Callers and those who answer have a core each; every call is answered before its lane makes the next one. */
const turns = (inFlight: number): Scenario => ({
  name: `mesh-${inFlight}`,
  group: 'mesh',
  title: `Calls of 1 kB, ${inFlight} under way at a time`,
  shows: 'blocks',
  reference: 'undici',
  core: false,
  rounds: 24,
  perSecond: 0,
  timeoutS: 600,
  blocks: { inFlight, ms: 250 },
  contenders,
  targets,
})

const desk = { program: 'mesh/callers/desk.ts', durability: 'FULL' as const, events: 0 }

/** What a call costs with everything that is left out above: checks by schema at the door, and a handler in a store. */
const whole: Scenario = {
  name: 'mesh-services',
  group: 'mesh',
  title: 'Calls of 1 kB to whole services, 128 under way at a time',
  shows: 'blocks',
  reference: 'fastify',
  core: false,
  rounds: 24,
  perSecond: 0,
  timeoutS: 600,
  blocks: { inFlight: 128, ms: 250 },
  contenders: [
    { name: 'fastify', ...desk, beside: ['fastify'], options: { at: 'fastify', over: 'http', call: 'look' } },
    { name: 'fastify, again', ...desk, beside: ['fastify'], options: { at: 'fastify', over: 'http', call: 'look' } },
    { name: 'skerry, reading', ...desk, beside: ['desk'], options: { at: 'desk', over: 'http', call: 'look' } },
    {
      name: 'skerry, reading by frames',
      ...desk,
      beside: ['desk'],
      options: { at: 'desk', over: 'frames', call: 'look' },
    },
    { name: 'skerry, writing', ...desk, beside: ['desk'], options: { at: 'desk', over: 'http', call: 'give' } },
    {
      name: 'skerry, writing by frames',
      ...desk,
      beside: ['desk'],
      options: { at: 'desk', over: 'frames', call: 'give' },
    },
  ],
  targets: [],
}

export const meshScenarios: readonly Scenario[] = [...[1, 32, 128].map(turns), whole, slowHost]
