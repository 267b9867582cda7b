import type { NumberedPublisher } from './app.ts'
import type { AnyEvent } from './contract.ts'
import { SkerryError } from './errors.ts'
import type { EventRecord } from './event.ts'
import type { PublishOptions } from './flow/handler.ts'
import type { Publisher } from './flow/publish.ts'

/** Holds a publisher to its numbers: none is left out, and none is given anew after one that failed. */
export function numbered(
  publisher: Publisher,
  mark: number,
  producer: string,
  composed: (type: AnyEvent, data: unknown, options?: PublishOptions) => EventRecord,
): NumberedPublisher {
  let next = mark + 1
  let broken: unknown
  return {
    mark,
    async publish(number, type, data, options) {
      if (number <= mark) return
      if (broken !== undefined)
        throw new SkerryError(
          'conflict',
          `${producer}: an earlier event failed; ask for a new publisher and go on from its mark`,
          { cause: broken },
        )
      if (number !== next)
        throw new SkerryError(
          'invalid_event',
          `${producer}: number ${number} given, ${next} is next; numbers have no gaps`,
        )
      const record = composed(type as AnyEvent, data, options)
      next++
      await publisher.publish(record).catch((error: unknown) => {
        broken ??= error
        throw error
      })
    },
  }
}
