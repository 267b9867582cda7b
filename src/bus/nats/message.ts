import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import type { Position } from '../../event.ts'
import type { Frame } from '../../frame.ts'

/** A message has a place for so many events; a position is the message's sequence times this, and the event's index. */
export const eventsPerMessage = 4096

export const positionOf = (sequence: number, index = 0): Position => sequence * eventsPerMessage + index
export const sequenceOf = (position: Position): number => Math.floor(position / eventsPerMessage)

const firstHeader = 'Skerry-First'
const countHeader = 'Skerry-Count'
const homeHeader = 'Skerry-Home'
const moveHeader = 'Skerry-Move'

/** What a message says about its events; none, when it only carries a producer's mark further. */
export interface Label {
  readonly first: number
  readonly count: number
  /** The stream that the producer has gone on to: its mark is to be looked for there. */
  readonly home?: string | undefined
  /** How many times it has gone on so far. */
  readonly move?: number
}

export function write({ first, count, home, move = 0 }: Label): MsgHdrs {
  const written = headers()
  written.set(firstHeader, String(first))
  written.set(countHeader, String(count))
  if (home !== undefined) {
    written.set(homeHeader, encodeURIComponent(home))
    written.set(moveHeader, String(move))
  }
  return written
}

export function read(given: MsgHdrs | undefined): Label {
  const home = given?.get(homeHeader)
  return {
    first: Number(given?.get(firstHeader) ?? 0),
    count: Number(given?.get(countHeader) ?? 0),
    ...(home && { home: decodeURIComponent(home), move: Number(given?.get(moveHeader) ?? 0) }),
  }
}

/** The producer's mark after a message: the number of its last event, or that before the first where it has none. */
export const markOf = ({ first, count }: Label): number => first + count - 1

export interface Piece {
  readonly count: number
  readonly frame: Frame
}

/** Cuts a frame between events, so that each piece fits into one message. Throws `event_too_large`. */
export function split(frame: Frame, count: number, mostBytes: number): Piece[] {
  if (count <= eventsPerMessage && Buffer.byteLength(frame) <= mostBytes) return [{ count, frame }]
  const pieces: Piece[] = []
  let start = 0
  let bytes = 0
  let events = 0
  for (let at = 0; at < frame.length; ) {
    const end = frame.indexOf('\n', frame.indexOf('\n', at) + 1) + 1
    const size = Buffer.byteLength(frame.slice(at, end))
    if (size > mostBytes) throw tooLarge(size, mostBytes)
    if (bytes + size > mostBytes || events === eventsPerMessage) {
      pieces.push({ count: events, frame: frame.slice(start, at) })
      start = at
      bytes = 0
      events = 0
    }
    bytes += size
    events++
    at = end
  }
  pieces.push({ count: events, frame: frame.slice(start) })
  return pieces
}

function tooLarge(size: number, most: number): SkerryError {
  return new SkerryError(
    'event_too_large',
    `an event of ${size} bytes does not fit into a message of this NATS server (at most ${most}); raise max_payload there`,
  )
}
