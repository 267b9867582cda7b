import { SkerryError } from '../../errors.ts'
import type { Frame } from '../../frame.ts'
import { laneOfKey } from '../../keys.ts'
import type { Batch, Parcel } from '../bus.ts'

/** What one producer sends to one partition at a time. */
export interface Part {
  readonly partition: number
  readonly numbers: readonly number[]
  readonly lanes: readonly number[]
  readonly frame: Frame
}

/** Up to this much text goes into one message, or a single event that is larger: brokers limit what they take at once. */
const partLimit = 512 * 1024

export const partitionOf = (lane: number, partitions: number): number => lane % partitions

/** Spreads the events of a batch that are numbered above `above` over the partitions, by the lane of their keys. */
export function spread(batch: Batch, above: number, partitions: number): Part[] {
  const parts: Growing[] = []
  const open = new Map<number, Growing>()
  let number = batch.first
  for (const { key, text } of eventsOf(batch)) {
    if (number > above) {
      const lane = laneOfKey(key)
      const partition = partitionOf(lane, partitions)
      let part = open.get(partition)
      if (!part || part.frame.length + text.length > partLimit) {
        part = { partition, numbers: [], lanes: [], frame: '' }
        open.set(partition, part)
        parts.push(part)
      }
      part.numbers.push(number)
      part.lanes.push(lane)
      part.frame += text
    }
    number++
  }
  if (number !== batch.first + batch.count)
    throw new SkerryError('invalid_config', `a batch of ${batch.count} events holds ${number - batch.first}`)
  return parts
}

interface Growing extends Part {
  readonly numbers: number[]
  readonly lanes: number[]
  frame: Frame
}

/** Each event's key and text; the header's fourth element is the key (see `src/frame.ts`). */
function* eventsOf({ frame }: Batch): Generator<{ key: string; text: string }> {
  for (let at = 0; at < frame.length; ) {
    const headerEnd = frame.indexOf('\n', at)
    const end = frame.indexOf('\n', headerEnd + 1) + 1
    if (headerEnd < 0 || end === 0) throw new SkerryError('invalid_config', 'a batch holds a frame that is cut short')
    const header = JSON.parse(frame.slice(at, headerEnd)) as [string, string, number, string]
    yield { key: header[3], text: frame.slice(at, end) }
    at = end
  }
}

/**
 * Parts for one request each, in order: what a broker is sent for one partition at a time stays within its limits. Within
 * a round each partition is named once.
 */
export function rounds(parts: readonly Part[]): Part[][] {
  const result: Part[][] = []
  const next = new Map<number, number>()
  for (const part of parts) {
    const round = next.get(part.partition) ?? 0
    next.set(part.partition, round + 1)
    const list = result[round] ?? []
    result[round] = list
    list.push(part)
  }
  return result
}

const version = '1'
const headerNames = { version: 'skerry', producer: 'producer', numbers: 'numbers', lanes: 'lanes', drain: 'drain' }

/** Offsets of partitions, by index, that have to have arrived before a message counts. */
export type Drain = readonly number[]

export interface Wire {
  readonly value: Buffer
  readonly headers: Map<Buffer, Buffer>
}

export function toWire(part: Part, producer: string, drain: Drain): Wire {
  const headers: [string, Buffer][] = [
    [headerNames.version, Buffer.from(version)],
    [headerNames.producer, Buffer.from(producer)],
    [headerNames.numbers, Buffer.from(packNumbers(part.numbers))],
    [headerNames.lanes, Buffer.from(part.lanes)],
  ]
  if (drain.length > 0) headers.push([headerNames.drain, Buffer.from(drain.join(','))])
  return {
    value: Buffer.from(part.frame),
    headers: new Map(headers.map(([name, value]) => [Buffer.from(name), value])),
  }
}

export interface Received extends Pick<Parcel, 'producer' | 'numbers' | 'lanes' | 'frame'> {
  /** As it was written, to be compared with others; '' for none. */
  readonly drain: string
}

/** Undefined for a message that is not one of ours. */
export function fromWire(
  value: Buffer | undefined,
  headers: readonly (readonly [Buffer, Buffer])[],
): Received | undefined {
  const texts = new Map(headers.map(([name, content]) => [name.toString(), content]))
  const producer = texts.get(headerNames.producer)
  const numbers = texts.get(headerNames.numbers)
  const lanes = texts.get(headerNames.lanes)
  if (texts.get(headerNames.version)?.toString() !== version || !value || !producer || !numbers || !lanes)
    return undefined
  return {
    producer: producer.toString(),
    numbers: unpackNumbers(numbers.toString()),
    lanes: [...lanes],
    frame: value.toString(),
    drain: texts.get(headerNames.drain)?.toString() ?? '',
  }
}

export const readDrain = (text: string): Drain => (text === '' ? [] : text.split(',').map(Number))

/** Ascending numbers as steps: `17+3,5` is 17, 18, 19, 20, 25 – runs of neighbours are counted. */
export function packNumbers(numbers: readonly number[]): string {
  const runs: string[] = []
  let last = 0
  for (let i = 0; i < numbers.length; ) {
    const first = numbers[i] as number
    let more = 0
    while (numbers[i + more + 1] === first + more + 1) more++
    runs.push(more > 0 ? `${first - last}+${more}` : String(first - last))
    last = first + more
    i += more + 1
  }
  return runs.join(',')
}

export function unpackNumbers(text: string): number[] {
  const numbers: number[] = []
  let last = 0
  for (const run of text.split(',')) {
    const [step, more = 0] = run.split('+').map(Number)
    const first = last + (step as number)
    for (let n = 0; n <= more; n++) numbers.push(first + n)
    last = first + more
  }
  return numbers
}
