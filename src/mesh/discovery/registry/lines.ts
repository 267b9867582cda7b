import { isUtf8 } from 'node:buffer'
import { Malformed } from './messages.ts'

const newline = 10

/** Cuts what comes by a connection into lines; never keeps more than `maxBytes` of one that is not whole. */
export class LineReader {
  /** It may change: whoever is trusted more may say more. */
  maxBytes: number
  #pieces: Buffer[] = []
  #length = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Throws `Malformed` at a line that is too long or no UTF-8. */
  *read(chunk: Buffer): Generator<string> {
    let from = 0
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      yield this.#take(chunk.subarray(from, to))
      from = to + 1
    }
    this.#keep(chunk.subarray(from))
  }

  #take(rest: Buffer): string {
    this.#keep(rest)
    const line = Buffer.concat(this.#pieces, this.#length)
    this.#pieces = []
    this.#length = 0
    // Bytes that are no UTF-8 would turn into other text without a word.
    if (!isUtf8(line)) throw new Malformed('a line that is no UTF-8')
    return line.toString()
  }

  #keep(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > this.maxBytes) throw new Malformed(`a line of more than ${this.maxBytes} bytes`)
    if (piece.length > 0) this.#pieces.push(piece)
  }
}
