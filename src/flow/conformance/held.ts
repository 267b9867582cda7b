import type { ReadTx, Store } from '../../store/store.ts'
import type { VirtualClock } from '../../time.ts'
import { interposed } from './interposed.ts'

/**
 * A store whose statements take no virtual time: a test moves time on by minutes, and what is under way on a wire meanwhile
 * must not look as if it had taken as long.
 */
export function heldStore(store: Store, clock: VirtualClock): Store {
  const held = <T>(answer: Promise<T>): Promise<T> => {
    const release = clock.hold()
    return answer.finally(release)
  }
  return interposed(store, {
    write: async (work, mode) => {
      let release = (): void => {}
      try {
        return await store.write(async (tx) => {
          const result = await work(heldTx(tx, held))
          // The commit, too.
          release = clock.hold()
          return result
        }, mode)
      } finally {
        release()
      }
    },
    read: (work) => store.read((tx) => work(heldTx(tx, held))),
    version: () => held(store.version()),
  } satisfies Partial<Store>)
}

function heldTx<T extends ReadTx>(tx: T, held: <R>(answer: Promise<R>) => Promise<R>): T {
  return new Proxy(tx, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => held(value.apply(target, given) as Promise<unknown>)
    },
  })
}
