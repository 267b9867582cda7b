import type { Bus } from '../../bus/bus.ts'
import { SkerryError } from '../../errors.ts'

/** The same engine with some methods in the way. */
export function interposed<T extends object>(engine: T, methods: Partial<T>): T {
  return new Proxy(engine, {
    get(target, name) {
      if (name in methods) return Reflect.get(methods, name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A bus whose engine does not answer while `away` says so. */
export function leaving(bus: Bus, away: () => boolean): Bus {
  const mustBeThere = (): void => {
    if (away()) throw new SkerryError('unavailable', 'the engine is away')
  }
  const asked = new Set<string | symbol>(['append', 'read', 'readOne', 'head', 'producerMark', 'lineage', 'members'])
  const minded = <T extends object>(engine: T): T =>
    new Proxy(engine, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          if (asked.has(name)) return Promise.try(mustBeThere).then(() => Reflect.apply(value, target, given))
          const answer: unknown = Reflect.apply(value, target, given)
          return name === 'group' ? minded(answer as object) : answer
        }
      },
    })
  return minded(bus)
}
