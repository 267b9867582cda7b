import type { Socket } from 'node:net'

/** Writes that come within one turn of the event loop go out together: one system call for all of them. */
export class Corked {
  readonly #socket: Socket
  #corked = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** False when the other side does not keep up. */
  write(bytes: Uint8Array): boolean {
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    return this.#socket.write(bytes)
  }
}
