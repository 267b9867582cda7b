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
  { name: 'undici, nginx', ...undici, beside: ['http', 'nginx'], options: { at: 'nginx' } },
  { name: 'undici, haproxy', ...undici, beside: ['http', 'haproxy'], options: { at: 'haproxy' } },
  { name: 'skerry, frames', ...skerry, beside: ['frames'], options: { over: 'frames', endpoints: 1 } },
  { name: 'skerry, frames, 64 endpoints', ...skerry, beside: ['frames'], options: { over: 'frames', endpoints: 64 } },
  { name: 'moleculer', program: 'peers/moleculer-calls.ts', beside: ['moleculer'] },
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

/** Callers and those who answer have a core each; every call is answered before its lane makes the next one. */
export const meshScenarios: readonly Scenario[] = [1, 32, 128].map((inFlight) => ({
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
}))
