import { parentPort, workerData } from 'node:worker_threads'
import { randomIdentity, seededRandom } from '../../ids.ts'
import { type CrashHook, noCrash } from '../../telemetry.ts'
import { systemClock } from '../../time.ts'
import { Candidate } from './candidate.ts'
import type { ToMain, ToWorker, WorkerSettings } from './protocol.ts'
import { Session } from './session.ts'

/**
 * The thread beside each process's main thread. It owns the election, the socket and, when elected, the writing, so
 * that a handler which blocks the main thread stalls nobody else. It lives by the machine's clock: a function cannot cross
 * to it.
 */
const port = parentPort
if (!port) throw new Error('bus/sqlite/worker.ts runs as a worker thread only')

const settings = workerData as WorkerSettings
const toMain = (message: ToMain): void => port.postMessage(message)
const session = new Session(toMain)

/** A crash hook lives on the main thread: wait there for it, at the very place where it was called. */
const gate = settings.gate
const crash: CrashHook = gate
  ? (point) => {
      if (point !== 'bus.before-commit' && point !== 'bus.after-commit') return
      Atomics.store(gate, 0, 0)
      toMain({ kind: 'crash', point })
      Atomics.wait(gate, 0, 0)
    }
  : noCrash

const candidate = new Candidate({
  settings,
  session,
  clock: systemClock,
  random: seededRandom(randomIdentity()),
  crash,
  toMain,
})

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'watch':
      return session.watch(message.stream, message.on)
    case 'alive':
      return candidate.hearMain()
    case 'close':
      candidate.close()
      return port.close()
    default:
      return session.pass(message)
  }
})
candidate.start()
