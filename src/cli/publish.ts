import { createReadStream, statSync } from 'node:fs'
import { fromStructured } from '../cloudevents.ts'
import { openBus } from '../engines.ts'
import { codeOf, messageOf, SkerryError } from '../errors.ts'
import { defaultMaxEventBytes } from '../event.ts'
import { randomIdentity } from '../ids.ts'
import { systemClock } from '../time.ts'
import type { Command, Invocation } from './command.ts'
import { exits, UsageError } from './failure.ts'
import { type Line, lineBatches } from './lines.ts'
import type { Output } from './output.ts'
import { type NumberedEvent, Sender } from './sender.ts'
import { placesOf } from './site.ts'

/** Room for the attributes beside the largest data. */
const maxLineBytes = 2 * defaultMaxEventBytes

export const publish: Command = {
  name: 'publish',
  usage: 'publish [FILE|-] [--producer NAME]',
  summary: 'publish events, one CloudEvent in JSON on each line, as tail prints them',
  details: `With --producer, events are numbered by their line under that name: publishing the file again, or again after it
has grown at its end, adds only what is new. A name stands for one file. A line that is no event is reported and
left out; the others go on, and the exit code is 2.`,
  options: { producer: { type: 'string', value: 'NAME', help: 'the name under which lines are counted' } },
  takes: [0, 1],
  run: runPublish,
}

async function runPublish({ positionals, values, engine, out }: Invocation): Promise<number> {
  placesOf(engine)
  const { input, size } = open(positionals[0] ?? '-')
  const name = checkProducer(values.producer)
  const anonymous = `publisher ${randomIdentity()}`
  const bus = await openBus({ ...engine, clock: systemClock })
  try {
    const sender = new Sender(bus, systemClock, (stream) => (name === undefined ? anonymous : `${stream} from ${name}`))
    const counts = { published: 0, known: 0, rejected: 0 }
    let read = 0
    for await (const batch of lineBatches(
      counted(input, (bytes) => (read += bytes)),
      maxLineBytes,
    )) {
      const { events, rejected } = readLines(batch, out)
      const { fresh, known } = await sender.send(events)
      counts.published += fresh
      counts.known += known
      counts.rejected += rejected
      out.progress('publish', size > 0 ? read : counts.published, size)
    }
    await report(counts, name, out)
    return counts.rejected > 0 ? exits.partly : exits.fine
  } finally {
    await bus.close()
  }
}

interface Counts {
  readonly published: number
  readonly known: number
  readonly rejected: number
}

async function report(counts: Counts, name: string | undefined, out: Output): Promise<void> {
  if (out.json) return out.data(counts)
  const known = counts.known > 0 ? `, ${counts.known} were there before` : ''
  const rejected = counts.rejected > 0 ? `, ${counts.rejected} lines rejected` : ''
  await out.line(`published ${counts.published}${known}${rejected}`)
  if (counts.rejected > 0 && name !== undefined)
    out.note(`skerry: numbers of rejected lines are passed: publish what you repair from a file of its own`)
}

function readLines(lines: readonly Line[], out: Output): { events: NumberedEvent[]; rejected: number } {
  const events: NumberedEvent[] = []
  let rejected = 0
  for (const line of lines) {
    if ('text' in line && line.text === '') continue
    try {
      events.push(readLine(line))
    } catch (error) {
      rejected++
      const [code, message] = [codeOf(error), messageOf(error)]
      out.note(
        out.json
          ? JSON.stringify({ line: line.number, code, message })
          : `skerry: line ${line.number}: ${code}: ${message}`,
      )
    }
  }
  return { events, rejected }
}

function readLine(line: Line): NumberedEvent {
  if ('code' in line) throw new SkerryError(line.code, line.message)
  const event = fromStructured(line.text, systemClock.wall())
  const bytes = Buffer.byteLength(event.record.data)
  if (bytes > defaultMaxEventBytes)
    throw new SkerryError('event_too_large', `data of ${bytes} bytes, at most ${defaultMaxEventBytes}`)
  return { number: line.number, event }
}

function open(source: string): { input: AsyncIterable<Uint8Array>; size: number } {
  if (source === '-') {
    if (process.stdin.isTTY) throw new UsageError('give a FILE, or pipe events in: skerry publish [FILE|-]')
    return { input: process.stdin, size: 0 }
  }
  const stat = statSync(source, { throwIfNoEntry: false })
  if (!stat) throw new SkerryError('not_found', `there is no file ${source}`)
  if (stat.isDirectory()) throw new SkerryError('not_found', `${source} is a folder; name a file of events`)
  return { input: createReadStream(source), size: stat.size }
}

async function* counted(input: AsyncIterable<Uint8Array>, read: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    read(chunk.length)
    yield chunk
  }
}

function checkProducer(given: string | true | undefined): string | undefined {
  if (given === undefined) return undefined
  const name = String(given)
  if (!/^[^\p{Cc}]{1,200}$/u.test(name))
    throw new UsageError(`--producer ${JSON.stringify(name)}: use 1–200 characters`)
  return name
}
