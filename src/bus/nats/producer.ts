import { SkerryError } from '../../errors.ts'
import { dropFromFrame } from '../../frame.ts'
import { accept, lastOf } from '../accept.ts'
import type { Batch } from '../bus.ts'
import type { Log } from './log.ts'
import { markOf, type Piece, read, split, write } from './message.ts'
import { eventsOf, ownersOf } from './names.ts'

/** Where a producer's numbers are, as the server last said. */
interface Place {
  readonly mark: number
  /** The stream whose subject holds its mark; undefined before its first event. */
  readonly home: string | undefined
  /** Sequence of its last message in each stream it has written to. */
  readonly last: Map<string, number>
  /** How many times it has gone from one stream to another. */
  readonly moves: number
}

/**
 * One producer, as the log knows it. The last message of its subject tells its mark, and an append is stored only while
 * that message is the last: whoever believes anything older is refused by the server, for ever and across processes.
 * A producer that goes on to another stream says so in the one it leaves, so that one subject at a time counts.
 */
export class Producer {
  readonly #log: Log
  readonly #name: string
  readonly #mostBytes: number
  #place: Place | undefined

  constructor(log: Log, name: string, mostBytes: number) {
    this.#log = log
    this.#name = name
    this.#mostBytes = mostBytes
  }

  /** What was believed may be out of date: after a failure, or a refusal by the server. */
  doubt(): void {
    this.#place = undefined
  }

  /** As the server has it now. */
  async mark(): Promise<number> {
    return (await findPlace(this.#log, this.#name)).mark
  }

  /** Stores what is new in a batch. Rejects with `conflict` for a gap, or with what the server said. */
  async append(batch: Batch): Promise<void> {
    const fresh = !this.#place
    this.#place ??= await findPlace(this.#log, this.#name)
    const acceptance = accept(batch, this.#place.mark)
    if (acceptance.kind === 'known') return
    if (acceptance.kind === 'conflict') {
      if (fresh) throw this.#missing(batch, this.#place.mark)
      // Another process may have sent what seems to be missing.
      this.doubt()
      return this.append(batch)
    }
    const { drop } = acceptance
    const frame = drop > 0 ? dropFromFrame(batch.frame, drop) : batch.frame
    const pieces = split(frame, batch.count - drop, this.#mostBytes)
    await this.#moveTo(batch.stream, this.#place)
    let first = lastOf(batch) + 1 - (batch.count - drop)
    for (const piece of pieces) {
      await this.#store(batch.stream, first, piece)
      first += piece.count
    }
  }

  async #store(stream: string, first: number, { count, frame }: Piece): Promise<void> {
    const { last, moves } = this.#place as Place
    const subject = eventsOf(this.#log.names, stream, this.#name)
    const sequence = await this.#log.put(subject, frame, last.get(stream) ?? 0, write({ first, count }))
    last.set(stream, sequence)
    this.#place = { mark: first + count - 1, home: stream, last, moves }
  }

  async #moveTo(stream: string, { home, mark, last, moves }: Place): Promise<void> {
    if (home === undefined || home === stream) return
    const subject = eventsOf(this.#log.names, home, this.#name)
    const move = moves + 1
    const label = write({ first: mark + 1, count: 0, home: stream, move })
    last.set(home, await this.#log.put(subject, '', last.get(home) ?? 0, label))
    this.#place = { mark, home: stream, last, moves: move }
  }

  #missing({ producer, after }: Batch, mark: number): SkerryError {
    return new SkerryError(
      'conflict',
      `${this.#log.link.where}: producer ${producer} sent events after its number ${after}, but only ${mark} arrived; ` +
        'send again from the number that producerMark gives',
    )
  }
}

/**
 * The highest mark counts, and among equal ones the latest move: where the producer went without writing there yet. Not the
 * newest message: retention carries old ones on.
 */
async function findPlace(log: Log, producer: string): Promise<Place> {
  const last = new Map<string, number>()
  let place: Place = { mark: 0, home: undefined, last, moves: -1 }
  for (const subject of await log.subjectsOf(producer)) {
    const stream = ownersOf(subject)?.stream
    const message = await log.last(subject)
    if (stream === undefined || !message) continue
    last.set(stream, message.seq)
    const label = read(message.header)
    const mark = markOf(label)
    const moves = label.move ?? 0
    if (mark > place.mark || (mark === place.mark && moves > place.moves))
      place = { mark, home: label.home ?? stream, last, moves: Math.max(moves, place.moves) }
  }
  return place
}
