import { headerBytes, type Kind, kinds, Malformed } from './codec.ts'

const known: ReadonlySet<number> = new Set(Object.values(kinds))

/**
 * Cuts what comes by a connection into frames. Payloads are views of what came, or copies where they came in pieces; never more
 * than `maxBytes` is kept for one that is not whole.
 */
export class FrameReader {
  readonly #maxBytes: number
  /** What came of a frame that is not whole, and how long it is. */
  #pieces: Buffer[] = []
  #length = 0
  #needed = headerBytes

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** True when nothing is left of a frame that has begun. */
  get between(): boolean {
    return this.#length === 0
  }

  /**
   * Calls `take` for each frame that is whole by now; the number is 0 for what concerns the connection. Throws `Malformed` at a kind
   * that nobody knows, and before a payload that is too long is kept.
   */
  read(chunk: Buffer, take: (kind: Kind, number: number, payload: Buffer) => void): void {
    this.#pieces.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#needed) return
    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#length)
    let at = 0
    for (;;) {
      this.#needed = this.#lengthAt(bytes, at)
      const end = at + this.#needed
      if (end > bytes.length) break
      take(bytes[at + 4] as Kind, bytes.readUInt32BE(at + 5), bytes.subarray(at + headerBytes, end))
      at = end
    }
    this.#pieces = at === bytes.length ? [] : [bytes.subarray(at)]
    this.#length = bytes.length - at
  }

  /** Of the frame that begins there; that of its header while it is not known. */
  #lengthAt(bytes: Buffer, at: number): number {
    if (bytes.length - at < headerBytes) return headerBytes
    const length = bytes.readUInt32BE(at)
    const kind = bytes[at + 4] as number
    if (!known.has(kind)) throw new Malformed(`kind ${kind}`)
    if (length > this.#maxBytes) throw new Malformed(`${length} bytes; at most ${this.#maxBytes} are read`)
    return headerBytes + length
  }
}
