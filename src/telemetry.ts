/**
 * What happened, for whoever watches: one callback, structured facts, no text formatting and no transport here.
 * Listeners must not throw and must be quick; they run on the path of the event.
 */
export type Fact =
  | { readonly kind: 'handled'; readonly subscription: string; readonly type: string; readonly latencyMs: number }
  | {
      readonly kind: 'retried'
      readonly subscription: string
      readonly type: string
      readonly id: string
      readonly attempt: number
      readonly code: string
      readonly message: string
    }
  | {
      readonly kind: 'dead'
      readonly subscription: string
      readonly type: string
      readonly id: string
      readonly code: string
      readonly message: string
    }
  | { readonly kind: 'circuit'; readonly subscription: string; readonly state: 'open' | 'probing' | 'closed' }
  | {
      readonly kind: 'paused'
      readonly where: string
      readonly code: string
      readonly message: string
      readonly resumesInMs: number
    }
  | { readonly kind: 'resumed'; readonly where: string }
  | {
      readonly kind: 'overrun'
      readonly subscription: string
      readonly type: string
      readonly id: string
      readonly budgetMs: number
    }
  /** So many events of a service run again because a transaction of another process was in their way. */
  | { readonly kind: 'conflict'; readonly where: string; readonly events: number }
  | { readonly kind: 'fenced'; readonly subscription: string; readonly dropped: number }
  | { readonly kind: 'writer'; readonly role: 'leading' | 'following'; readonly pid: number }
  | { readonly kind: 'stuck'; readonly where: string; readonly pid: number; readonly sinceMs: number }
  | {
      /** Events of a producer that never arrived, though later ones did: the engine lost them. */
      readonly kind: 'missing'
      readonly stream: string
      readonly producer: string
      /** Numbers of the first and the last of them. */
      readonly from: number
      readonly to: number
    }
  | { readonly kind: 'clock_jump'; readonly byMs: number }
  | {
      /** A call was answered, by a result or otherwise. */
      readonly kind: 'call'
      readonly call: string
      readonly id: string
      readonly latencyMs: number
      /** `ok`, or what it failed with. */
      readonly code: string
      /** Why it failed; '' for `ok`. */
      readonly message: string
    }
  | {
      /** Calls were turned away, since too many were under way: told of a second after the first, and then every ten at most. */
      readonly kind: 'shed'
      /** By their priority, since it was last told. */
      readonly normal: number
      readonly low: number
      /** How many may be under way now. */
      readonly limit: number
    }
  | {
      /** A call to a service elsewhere is over, all tries together. */
      readonly kind: 'called'
      readonly service: string
      /** The status of its last answer; undefined without one. */
      readonly status: number | undefined
      /** Milliseconds. What the server did not tell of is network; the three are the whole. */
      readonly requestMs: number
      readonly responseMs: number
      readonly networkMs: number
    }
  | {
      /** The registry has taken this process in, or is away: told once until something else is so. */
      readonly kind: 'registry'
      readonly state: 'joined' | 'away'
      readonly address: string
      /** `ok`, or why it is away. */
      readonly code: string
      readonly message: string
    }
  /** A call to a service elsewhere was to be tried again: it is, or the budget has nothing left for it. */
  | { readonly kind: 'again'; readonly service: string; readonly granted: boolean }
  | {
      /** An instance of a service elsewhere is asked no more for a while, or again. */
      readonly kind: 'instance'
      readonly service: string
      readonly id: string
      readonly address: string
      readonly state: 'circuit_open' | 'circuit_closed' | 'ejected' | 'returned'
    }

export type Watcher = (fact: Fact) => void

export const unwatched: Watcher = () => {}

/**
 * Named places at which a crash test ends the process. Production passes `noCrash`; the kinds of death between two
 * of these points are what the guarantees are about.
 */
export type CrashPoint =
  | 'bus.before-commit'
  | 'bus.after-commit'
  | 'store.before-commit'
  | 'store.after-commit'
  | 'relay.after-append'
  | 'processor.journaled'

export type CrashHook = (point: CrashPoint) => void

export const noCrash: CrashHook = () => {}
