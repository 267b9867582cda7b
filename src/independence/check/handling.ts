import type { Attempting } from '../../flow/context.ts'
import type { HandleContext } from '../../flow/handler.ts'
import type { Doing } from './doing.ts'

/**
 * What a handler holds: as the flow makes it, and what it emits is an operation of the step. Ids that it draws are its own, and go
 * to `fresh`: no other event's handler draws the same.
 */
export function handlingContext(attempting: Attempting, fresh: Set<string>, doing: Doing): HandleContext {
  const context = attempting.context()
  const id = (): string => {
    const drawn = context.id()
    fresh.add(drawn)
    return drawn
  }
  const emits =
    (emit: (...given: never[]) => Promise<string>) =>
    async (...given: never[]): Promise<string> => {
      try {
        await doing.next()
      } catch (error) {
        attempting.doom ??= error
        throw error
      }
      return emit(...given)
    }
  // Not made of the context as its prototype: each would be a shape of its own, and slow to all who use it.
  const { sql, dialect, versioned, cancel, random, now } = context
  const emitting = { publish: emits(context.publish), send: emits(context.send) }
  return {
    ...{ sql, dialect, versioned, cancel, id, random, now, ...emitting },
    get signal() {
      return context.signal
    },
  }
}
