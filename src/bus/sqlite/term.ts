import type { Socket } from 'node:net'
import { isEnvironmental } from '../../errors.ts'
import type { CrashHook } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import { Leader, newPeer } from './leader.ts'
import { type Listener, listenOn, peerLink } from './link.ts'
import { protocolVersion, type WorkerSettings } from './protocol.ts'
import { openForWriting, setDurability } from './schema.ts'
import type { Session } from './session.ts'
import { Writer } from './writer.ts'

/** This process's time as the writer: the bus file open for writing, the socket open for the others. */
export interface Term {
  beat(paused: boolean, suspended: boolean): void
  /** Hands over: the lock is given up in `release`, before the other processes are told. */
  stop(inOrder: boolean, release: () => void): void
}

export interface TermOptions {
  readonly settings: WorkerSettings
  readonly session: Session
  readonly clock: Clock
  readonly crash: CrashHook
  readonly onFenced: () => void
}

export async function beginTerm({ settings, session, clock, crash, onFenced }: TermOptions): Promise<Term> {
  const { file, maxBytes, segmentBytes, retention } = settings
  const db = openForWriting(file)
  let listener: Listener
  try {
    setDurability(db, 'full')
    const writer = new Writer(db, { file, pid: process.pid, clock, crash, maxBytes, segmentBytes, retention })
    const clean = begin(writer)
    const options = {
      writer,
      file,
      pid: process.pid,
      maxBytes,
      clock,
      onFenced,
      setDurability: setDurability.bind(null, db),
    }
    const leader = new Leader(options, clean)
    listener = await listenOn(settings.socket, (socket) => accept(socket, leader, clock))
    attachOwn(session, leader, settings, clock)
    return {
      beat(paused, suspended) {
        leader.beat(paused)
        leader.tend(suspended)
      },
      stop(inOrder, release) {
        leader.stop(inOrder)
        session.detach()
        // Out of order another process may lead already: then the name is its socket's.
        if (inOrder) listener.unlink()
        db.close()
        release()
        leader.release()
        listener.close()
      },
    }
  } catch (error) {
    db.close()
    throw error
  }
}

/** On a full disk the term begins with the first commit that finds room: until then there is a writer that says why. */
function begin(writer: Writer): boolean {
  try {
    return writer.beginTerm().clean
  } catch (error) {
    if (!isEnvironmental(error)) throw error
    return false
  }
}

function accept(socket: Socket, leader: Leader, clock: Clock): void {
  const link = peerLink(socket, {
    onMessage: (message) => leader.receive(peer, message),
    onEnd: () => leader.disconnect(peer),
  })
  const peer = newPeer(
    (message) => link.send(message),
    () => link.end(),
    clock.monotonic(),
  )
  leader.connect(peer)
}

/** The writer's own process is a client like any other, without the socket. */
function attachOwn(session: Session, leader: Leader, { durability }: WorkerSettings, clock: Clock): void {
  const own = newPeer(
    (message) => session.receive(message),
    () => {},
    clock.monotonic(),
  )
  leader.connect(own)
  leader.receive(own, { kind: 'hello', version: protocolVersion, pid: process.pid, durability })
  session.attach({ send: (message) => leader.receive(own, message) })
}
