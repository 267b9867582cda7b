import type { Socket } from 'node:net'
import { encode, type Outgoing } from './codec.ts'

/**
 * Frames that come within one turn of the event loop go out together: one buffer and one system call for all of them. Not more than
 * this much of them, in bytes: the other side should begin with the first while the last are still being made.
 */
const mostBytes = 8 * 1024

export class FrameWriter {
  readonly #socket: Socket
  readonly #full: () => void
  #frames: Outgoing[] = []
  #bytes = 0
  #waiting = false

  /** `full` is called when the other side does not keep up; the socket says `drain` when it does again. */
  constructor(socket: Socket, full: () => void = () => {}) {
    this.#socket = socket
    this.#full = full
  }

  write(frame: Outgoing): void {
    this.#frames.push(frame)
    this.#bytes += frame.bytes
    if (this.#bytes >= mostBytes) this.flush()
    else if (!this.#waiting) {
      this.#waiting = true
      process.nextTick(this.#turnEnds)
    }
  }

  /** Sends what has been written by now. To be called before the socket is ended. */
  flush(): void {
    if (this.#frames.length === 0) return
    const bytes = encode(this.#frames)
    this.#frames = []
    this.#bytes = 0
    if (!this.#socket.write(bytes)) this.#full()
  }

  readonly #turnEnds = (): void => {
    this.#waiting = false
    this.flush()
  }
}
