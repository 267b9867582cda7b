import type { Fact } from '../telemetry.ts'

/** What a running service says of itself, in a line; undefined for what is ordinary. */
export function factLine(fact: Fact): string | undefined {
  switch (fact.kind) {
    case 'dead':
      return `${fact.subscription}: ${fact.type} ${fact.id} became a dead letter: ${fact.code}: ${oneLine(fact.message)}`
    case 'circuit':
      return `${fact.subscription}: circuit ${fact.state}`
    case 'paused':
      return Number.isFinite(fact.resumesInMs)
        ? `${fact.where}: pauses for ${Math.ceil(fact.resumesInMs)} ms: ${fact.code}: ${oneLine(fact.message)}`
        : `${fact.where}: stopped: ${fact.code}: ${oneLine(fact.message)}`
    case 'resumed':
      return `${fact.where}: goes on`
    case 'overrun':
      return `${fact.subscription}: ${fact.type} ${fact.id} took longer than its ${fact.budgetMs} ms; it runs again alone`
    case 'fenced':
      return `${fact.subscription}: another process has taken over; ${fact.dropped} events are left to it`
    case 'stuck':
      return `${fact.where}: process ${fact.pid} has not answered for ${Math.round(fact.sinceMs)} ms; continue or end it`
    case 'missing':
      return `${fact.stream}: events ${fact.from} to ${fact.to} of ${fact.producer} never arrived: the engine lost them`
    case 'clock_jump':
      return `the clock jumped by ${Math.round(fact.byMs / 1000)} s; nothing is deleted for some minutes`
    case 'call':
      return isFault(fact.code) ? `${fact.call} ${fact.id}: ${fact.code}: ${oneLine(fact.message)}` : undefined
    case 'shed':
      return `turned away ${fact.normal + fact.low} calls, ${fact.low} of them of low priority: too many were under way; the limit is ${fact.limit}`
    case 'registry':
      return fact.state === 'joined'
        ? `registry ${fact.address}: this process is known there`
        : `${oneLine(fact.message)}; what is known stays, and it is tried again`
    case 'instance':
      return `${fact.service}: the instance ${fact.id} at ${fact.address} ${stateOf[fact.state]}`
    case 'called':
    case 'again':
    case 'handled':
    case 'retried':
    case 'conflict':
    case 'writer':
      return undefined
  }
}

const stateOf = {
  circuit_open: 'is left out: most calls to it fail',
  circuit_closed: 'answers again',
  ejected: 'is left out for a while: it fails call after call',
  returned: 'is asked again',
} as const

/** Codes that tell of a mistake in the service, not in what was asked, nor of a moment's trouble. */
const faults: ReadonlySet<string> = new Set([
  'failed',
  'terminal',
  'budget_exceeded',
  'statement_failed',
  'statement_refused',
  'tx_ended',
  'in_doubt',
  'invalid_event',
])
const isFault = (code: string): boolean => faults.has(code)

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
