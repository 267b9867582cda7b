import { subscribe } from 'node:diagnostics_channel'
import type { Connection } from '@platformatic/kafka'

/** By which connections of ours are known among those that an application makes for itself. */
export const ours = Symbol('skerry')

interface Made {
  readonly type: string
  readonly instance: unknown
}

let watching = false

/**
 * A connection that breaks while it authenticates says so twice, the second time to nobody: an `error` event without a listener,
 * which would end the process. Whoever waits for the connection has been told by then, so ours get a listener that does nothing.
 */
export function surviveBrokenConnections(): void {
  if (watching) return
  watching = true
  subscribe('plt:kafka:instances', (message) => {
    const { type, instance } = message as Made
    if (type !== 'connection') return
    const connection = instance as Connection
    if (connection.context === ours) connection.on('error', () => {})
  })
}
