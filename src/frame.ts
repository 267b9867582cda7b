import { SkerryError } from './errors.ts'
import type { EventRecord } from './event.ts'

/**
 * A frame is a run of events as text, two lines each: the header as a JSON array, then the data. It is what an
 * outbox keeps, what travels to the bus's writer and what the embedded log stores: encoding happens once, one row
 * holds many events (batching is the whole game), and a person with a SQL prompt can still read it.
 * Invariant: neither line can hold a raw line feed, because `JSON.stringify` escapes it.
 */
export type Frame = string

type Header = [
  id: string,
  type: string,
  version: number,
  key: string,
  time: number,
  due: number,
  expires: number,
  attributes?: EventRecord['attributes'],
]

export function encodeRecord(e: EventRecord): Frame {
  const header: Header = [e.id, e.type, e.version, e.key, e.time, e.due, e.expires]
  if (e.attributes) header.push(e.attributes)
  return `${JSON.stringify(header)}\n${e.data}\n`
}

export function encodeFrame(records: readonly EventRecord[]): Frame {
  let frame = ''
  for (const record of records) frame += encodeRecord(record)
  return frame
}

export function decodeFrame(frame: Frame): EventRecord[] {
  const records: EventRecord[] = []
  let at = 0
  while (at < frame.length) {
    const headerEnd = frame.indexOf('\n', at)
    const dataEnd = frame.indexOf('\n', headerEnd + 1)
    if (headerEnd < 0 || dataEnd < 0)
      throw new SkerryError('io_error', `a stored frame is cut short at character ${at}; restore the file from a copy`)
    records.push(record(JSON.parse(frame.slice(at, headerEnd)) as Header, frame.slice(headerEnd + 1, dataEnd)))
    at = dataEnd + 1
  }
  return records
}

function record(header: Header, data: string): EventRecord {
  const [id, type, version, key, time, due, expires, attributes] = header
  return { id, type, version, key, time, due, expires, attributes, data }
}

/** The frame without its first `count` events: what is left when a bus already has those. */
export function dropFromFrame(frame: Frame, count: number): Frame {
  let at = 0
  for (let line = 0; line < count * 2; line++) at = frame.indexOf('\n', at) + 1
  return frame.slice(at)
}

/** The frame without those of its events for which `keep` says false. */
export function pickFromFrame(frame: Frame, keep: readonly boolean[]): Frame {
  let picked = ''
  let at = 0
  for (const wanted of keep) {
    const end = frame.indexOf('\n', frame.indexOf('\n', at) + 1) + 1
    if (wanted) picked += frame.slice(at, end)
    at = end
  }
  return picked
}
