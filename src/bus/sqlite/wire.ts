import { SkerryError } from '../../errors.ts'
import type { Down, Up } from './protocol.ts'

/**
 * Messages on the socket: 4 bytes with the length of all that follows, 4 bytes with the length of the head, the
 * head as JSON, then the frames of an `append`, whose places in the head hold their lengths in bytes.
 */
export function encode(message: Up | Down): Buffer {
  if (message.kind !== 'append') return assemble(JSON.stringify(message), [])
  const frames: string[] = []
  const batches = message.batches.map(({ frame, ...batch }) => {
    frames.push(frame)
    return { ...batch, frame: Buffer.byteLength(frame) }
  })
  return assemble(JSON.stringify({ ...message, batches }), frames)
}

function assemble(head: string, frames: readonly string[]): Buffer {
  const headLength = Buffer.byteLength(head)
  let length = 8 + headLength
  for (const frame of frames) length += Buffer.byteLength(frame)
  const buffer = Buffer.allocUnsafe(length)
  buffer.writeUInt32BE(length - 4, 0)
  buffer.writeUInt32BE(headLength, 4)
  let at = 8 + buffer.write(head, 8)
  for (const frame of frames) at += buffer.write(frame, at)
  return buffer
}

/** Longer than any honest message: a process keeps at most a few MiB on the way, or one batch that is larger. */
const longestMessage = 512 * 1024 * 1024

/** Cuts what arrives into messages. Throws when it cannot be ours. */
export class Decoder<M extends Up | Down> {
  #chunks: Buffer[] = []
  #have = 0
  #need = 4

  push(chunk: Buffer): M[] {
    this.#chunks.push(chunk)
    this.#have += chunk.length
    const messages: M[] = []
    while (this.#have >= this.#need) {
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
      const end = 4 + all.readUInt32BE(0)
      if (end > longestMessage)
        throw new SkerryError('io_error', `a message of ${end} bytes arrived on the bus's socket`)
      this.#need = end
      this.#chunks = [all]
      if (all.length < end) break
      messages.push(decode(all.subarray(4, end)) as M)
      this.#chunks = [all.subarray(end)]
      this.#have -= end
      this.#need = 4
    }
    return messages
  }
}

function decode(body: Buffer): Up | Down {
  const headEnd = 4 + body.readUInt32BE(0)
  const message = JSON.parse(body.toString('utf8', 4, headEnd))
  if (message.kind !== 'append') return message
  let at = headEnd
  for (const batch of message.batches) {
    const end = at + batch.frame
    batch.frame = body.toString('utf8', at, end)
    at = end
  }
  return message
}
