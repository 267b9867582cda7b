import { constants } from 'node:os'

export interface StopSignals {
  /** Resolves with the first signal, or the first call of `stop`. */
  readonly stopped: Promise<void>
  stop(): void
  end(): void
}

/** The first signal asks; a second one ends the process at once. */
export function stopSignals(names: readonly ('SIGTERM' | 'SIGINT')[], atOnce: () => void = () => {}): StopSignals {
  let resolve: () => void = () => {}
  const stopped = new Promise<void>((done) => (resolve = done))
  let signals = 0
  const heard = (name: NodeJS.Signals): void => {
    resolve()
    if (++signals < 2) return
    atOnce()
    process.exit(128 + constants.signals[name])
  }
  for (const name of names) process.on(name, heard)
  return {
    stopped,
    stop: () => resolve(),
    end: () => {
      for (const name of names) process.off(name, heard)
    },
  }
}
