/**
 * The bare loop of the latency scenario: the same two durable commits, and nothing else. Each event is committed
 * once to the bus file (the publish) and once to the store file (the effect: one row and the position), paced like
 * the contenders. Latency counts from the beat to the second commit.
 *
 * The reference is the loop in one process: a publish and an effect cost two commits wherever they happen, and both
 * Skerry variants are held to that. With `processes: 2` the second commit happens in another process, told over a
 * local socket: it shows how much of a two-process figure is owed to the second process alone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { nowUs } from './clock.ts'
import { contend, option } from './contender.ts'
import { effects, open } from './effects.ts'
import { metronome } from './metronome.ts'
import { steadyLatency } from './steady.ts'
import type { Durability, Measured, Run } from './types.ts'
import { eventId, keyOf, payload, Tally } from './workload.ts'

const EFFECTS = '--effects'
/** A message of the two-process variant: the event's number and when it was sent. */
const MESSAGE_BYTES = 12

if (process.argv[2] === EFFECTS) await serveEffects()
else await contend((run) => (option(run, 'processes', 1) === 2 ? twoProcesses(run) : oneProcess(run)))

async function oneProcess(run: Run): Promise<Measured> {
  const publish = publisher(run.folder, run.durability)
  const effect = effects(run.folder, run.durability)
  const latencies: number[] = []
  const tally = new Tally(run.events)
  const started = nowUs()
  await metronome(run.perSecond, run.events, ({ index, sentUs }) => {
    publish(index)
    effect(index)
    tally.add(index)
    latencies.push(nowUs() - sentUs)
  })
  return measured(run, started, latencies, tally)
}

async function twoProcesses(run: Run): Promise<Measured> {
  const publish = publisher(run.folder, run.durability)
  const { child, socket } = await startEffects(run)
  const latencies: number[] = []
  const tally = new Tally(run.events)
  const done = Promise.withResolvers<void>()
  receive(socket, (index, latencyUs) => {
    tally.add(index)
    latencies.push(latencyUs)
    if (latencies.length === run.events) done.resolve()
  })
  const started = nowUs()
  await metronome(run.perSecond, run.events, ({ index, sentUs }) => {
    publish(index)
    socket.write(message(index, sentUs))
  })
  await done.promise
  const result = measured(run, started, latencies, tally)
  socket.end()
  await once(child, 'exit')
  return result
}

function measured(run: Run, startedUs: number, latencies: number[], tally: Tally): Measured {
  return { events: run.events, elapsedMs: (nowUs() - startedUs) / 1_000, ...tally.count(), ...steadyLatency(latencies) }
}

function publisher(folder: string, durability: Durability): (index: number) => void {
  const bus = open(join(folder, 'bus.db'), durability)
  bus.exec('create table log (seq integer primary key, id text, key text, body blob) strict')
  const append = bus.prepare('insert into log (id, key, body) values (?, ?, ?)')
  const body = Buffer.from(JSON.stringify(payload(0)))
  return (index) => append.run(eventId(index), keyOf(index), body)
}

async function startEffects(run: Run): Promise<{ child: ChildProcess; socket: Socket }> {
  const path = join(run.folder, 'effects.sock')
  const child = spawn(process.execPath, [import.meta.filename, EFFECTS, run.folder, run.durability, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout === null) throw new Error('the second process has no output to say that it is ready')
  await once(child.stdout, 'data')
  const socket = createConnection(path)
  await once(socket, 'connect')
  return { child, socket }
}

/** The second process: commits the effect of each event that it is told, and answers with the event's latency. */
async function serveEffects(): Promise<void> {
  const [folder = '', durability = 'FULL', path = ''] = process.argv.slice(3)
  const effect = effects(folder, durability === 'NORMAL' ? 'NORMAL' : 'FULL')
  const server = createServer((socket) => {
    server.close()
    receive(socket, (index, sentUs) => {
      effect(index)
      socket.write(message(index, nowUs() - sentUs))
    })
    socket.on('end', () => socket.end())
  })
  server.listen(path, () => process.stdout.write('ready\n'))
  await once(server, 'close')
}

function message(index: number, us: number): Buffer {
  const bytes = Buffer.allocUnsafe(MESSAGE_BYTES)
  bytes.writeUInt32LE(index)
  bytes.writeDoubleLE(us, 4)
  return bytes
}

function receive(socket: Socket, onMessage: (index: number, us: number) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= MESSAGE_BYTES) {
      onMessage(rest.readUInt32LE(0), rest.readDoubleLE(4))
      rest = rest.subarray(MESSAGE_BYTES)
    }
  })
}
