import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface Beat {
  readonly index: number
  /** When it was sent, in microseconds of `nowUs`. */
  readonly sentUs: number
}

/**
 * Calls `onBeat` at a fixed rate, and resolves after the last beat.
 *
 * The beats come from a thread of their own, which sleeps until each is due: a timer of the event loop is a
 * millisecond coarse, and a loop kept busy by its handlers would send late and hide the waiting (coordinated
 * omission). Latency counts from `sentUs`, as if a client outside had sent the event at that moment.
 */
export async function metronome(perSecond: number, beats: number, onBeat: (beat: Beat) => void): Promise<void> {
  if (perSecond <= 0) throw new RangeError(`a metronome needs a rate above 0, not ${perSecond}: set perSecond`)
  const thread = new Worker(new URL('./metronome-thread.ts', import.meta.url), { workerData: { perSecond, beats } })
  let failure: unknown
  thread.on('message', (beat: Beat) => {
    try {
      onBeat(beat)
    } catch (cause) {
      failure ??= cause
    }
  })
  await once(thread, 'exit')
  if (failure !== undefined) throw failure
}
