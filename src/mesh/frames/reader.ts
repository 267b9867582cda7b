import { type FrameOf, headerBytes, type Kind, kinds, Malformed } from './codec.ts'

const known: ReadonlySet<number> = new Set(Object.values(kinds))

/**
 * Cuts what comes by a connection into frames. Payloads are views of what came, or copies where they came in pieces; never more
 * than `maxBytes` is kept for one that is not whole.
 */
export class FrameReader {
  readonly #maxBytes: number
  #pieces: Buffer[] = []
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** True when nothing is left of a frame that has begun. */
  get between(): boolean {
    return this.#length === 0
  }

  /** Throws `Malformed` at a kind that nobody knows, and before a payload that is too long is kept. */
  *read(chunk: Buffer): Generator<FrameOf> {
    this.#pieces.push(chunk)
    this.#length += chunk.length
    while (this.#length >= headerBytes) {
      const head = this.#front(headerBytes)
      const length = head.readUInt32BE(0)
      const kind = head[4] as number
      if (!known.has(kind)) throw new Malformed(`kind ${kind}`)
      if (length > this.#maxBytes) throw new Malformed(`${length} bytes; at most ${this.#maxBytes} are read`)
      if (this.#length < headerBytes + length) return
      const frame = this.#front(headerBytes + length)
      this.#drop(headerBytes + length)
      yield {
        kind: kind as Kind,
        number: frame.readUInt32BE(5),
        payload: frame.subarray(headerBytes, headerBytes + length),
      }
    }
  }

  /** At least so many bytes in one piece, from the first on. */
  #front(length: number): Buffer {
    const [first] = this.#pieces
    if (first && first.length >= length) return first
    const whole = Buffer.concat(this.#pieces, this.#length)
    this.#pieces = [whole]
    return whole
  }

  #drop(length: number): void {
    const first = this.#pieces[0] as Buffer
    this.#length -= length
    if (first.length === length) this.#pieces.shift()
    else this.#pieces[0] = first.subarray(length)
  }
}
