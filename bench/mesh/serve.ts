/** The answering side of a scenario of blocks: a process that listens until it is told to end. */
import { heard, play, say } from '../second.ts'

export interface Serving {
  readonly ports: readonly number[]
  stop(): Promise<unknown> | unknown
}

export async function serve(open: () => Promise<Serving>): Promise<void> {
  await play(async () => {
    const { ports, stop } = await open()
    say(ports)
    await heard()
    await stop()
  })
}
