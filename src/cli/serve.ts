import inspector from 'node:inspector'
import { inspect } from 'node:util'
import type { App } from '../app.ts'
import type { CalleesOptions } from '../callers.ts'
import type { EngineOptions } from '../engines.ts'
import { codeOf, errorCodes, messageOf } from '../errors.ts'
import type { ServerTls } from '../mesh/server/tls.ts'
import type { RegistryOptions } from '../registering.ts'
import type { AnyService } from '../service.ts'
import { start } from '../start.ts'
import type { Fact } from '../telemetry.ts'
import { factLine } from './facts.ts'
import { describeFailure, exits } from './failure.ts'
import type { Output } from './output.ts'
import { stopSignals } from './signals.ts'
import type { FromChild, ToChild } from './supervisor.ts'

export interface Serving {
  readonly engine: EngineOptions
  readonly out: Output
  /** One of several processes: another one watches this, and tells it when to stop. */
  readonly supervised: boolean
  /** Where calls are served. */
  readonly doors: {
    readonly http: string | undefined
    readonly frames: string | undefined
    readonly grpc: string | undefined
    readonly registry: RegistryOptions | undefined
    readonly tls: ServerTls | undefined
  }
  /** Reads the files of `tls` again; undefined where none are served by. */
  readonly readTls: (() => ServerTls) | undefined
  /** How handlers reach services elsewhere. */
  readonly callees: CalleesOptions
}

const heartbeatMs = 1000

/** Runs services in this process until it is told to stop; resolves with the exit code. */
export async function serve(
  services: readonly AnyService[],
  { engine, out, supervised, doors, callees, readTls }: Serving,
): Promise<number> {
  const signals = stopSignals(supervised ? ['SIGTERM'] : ['SIGTERM', 'SIGINT'])
  const leash = supervised ? obeyParent(signals.stop) : undefined
  const report = reportUserErrors(out)
  try {
    const { http, frames, grpc, registry, tls } = doors
    const serving = {
      callees,
      ...(http !== undefined && { http: { address: http, shared: supervised } }),
      ...(frames !== undefined && { frames: { address: frames, shared: supervised } }),
      ...(grpc !== undefined && { grpc }),
      ...(registry && { registry }),
      ...(tls && { tls }),
    }
    const app = await start(services, { ...engine, ...serving, watcher: (fact) => show(fact, out) })
    await announce(services, [app.url, app.framesUrl, app.grpcUrl], out)
    const renewing = readTls && renewOnHangup(app, readTls, out)
    if (leash) await tellParent({ kind: 'ready' })
    await signals.stopped
    renewing?.end()
    await app.stop()
    await say(out, { kind: 'stopped', pid: process.pid }, `process ${process.pid} stopped`)
    return exits.fine
  } catch (error) {
    if (!leash) throw error
    return refuse(error, errorCodes[codeOf(error)] === 'free', out)
  } finally {
    report.end()
    leash?.end()
    signals.end()
  }
}

async function announce(
  services: readonly AnyService[],
  urls: readonly (string | undefined)[],
  out: Output,
): Promise<void> {
  const { pid } = process
  for (const service of services) {
    const subscriptions = [...service.subscriptions.values()].map(({ name, options, handlers }) => {
      const streams = [...new Set([...handlers.values()].map(({ type }) => type.service))]
      return { name, from: options.from, order: options.order ?? 'none', streams }
    })
    const text = subscriptions.map((one) => `${one.name} ← ${one.streams.join(', ')}`).join('; ')
    await say(
      out,
      { kind: 'running', pid, service: service.name, subscriptions },
      `${service.name}: ${text || 'publishes only'}`,
    )
  }
  for (const url of urls)
    if (url !== undefined) await say(out, { kind: 'serving', pid, url }, `calls are answered at ${url}`)
  await say(out, { kind: 'ready', pid }, out.style('dim', `process ${pid} is at work; stop it with Ctrl-C or SIGTERM`))
}

/** The parent stops them all, where what a start refuses for one it refuses for everybody; it would try again for ever else. */
export async function refuse(error: unknown, mayPass: boolean, out: Output): Promise<number> {
  await tellParent({ kind: 'refused', line: describeFailure(error, out.json).line, mayPass })
  return exits.failed
}

function tellParent(message: FromChild): Promise<void> {
  return new Promise((told) => {
    if (!process.send || !process.connected) return told()
    process.send(message, undefined, undefined, () => told())
  })
}

/** SIGHUP is how daemons are told that their files have changed. What cannot be used changes nothing. */
function renewOnHangup(app: App, readTls: () => ServerTls, out: Output): { end(): void } {
  const { pid } = process
  const renew = (): void => {
    try {
      app.renewTls(readTls())
      void say(out, { kind: 'renewed', pid }, `process ${pid} shows the certificate that is in its file now`)
    } catch (error) {
      const { line } = describeFailure(error, false)
      void say(
        out,
        { kind: 'not_renewed', pid, line },
        `process ${pid} goes on with the certificate that it had: ${line}`,
      )
    }
  }
  process.on('SIGHUP', renew)
  return { end: () => void process.off('SIGHUP', renew) }
}

function show(fact: Fact, out: Output): void {
  const line = factLine(fact)
  if (line !== undefined) void say(out, { ...fact, pid: process.pid }, line)
}

const say = (out: Output, data: object, line: string): Promise<void> => (out.json ? out.data(data) : out.line(line))

/**
 * A promise that a handler left behind ends nobody's work: the event has been judged by what its handler returned. An
 * exception outside of everything leaves the process in an unknown state: it ends, and others take over.
 */
function reportUserErrors(out: Output): { end(): void } {
  const describe = (error: unknown): string =>
    error instanceof Error ? (error.stack ?? error.message) : inspect(error)
  const rejected = (reason: unknown): void => {
    out.note(
      out.json
        ? JSON.stringify({ kind: 'unhandled_rejection', pid: process.pid, message: messageOf(reason) })
        : `skerry: a rejection that nobody handled: ${describe(reason)}`,
    )
  }
  const thrown = (error: unknown): void => {
    out.note(`skerry: process ${process.pid} ends: an exception that nobody caught: ${describe(error)}`)
    process.exit(exits.failed)
  }
  process.on('unhandledRejection', rejected).on('uncaughtException', thrown)
  return { end: () => void process.off('unhandledRejection', rejected).off('uncaughtException', thrown) }
}

/** Shows the parent that we are alive, stops when it says so, and when it is gone. */
function obeyParent(stop: () => void): { end(): void } {
  const beat = (): void => void tellParent({ kind: 'alive', debugged: inspector.url() !== undefined })
  const timer = setInterval(beat, heartbeatMs)
  beat()
  const told = (message: ToChild): void => {
    if (message.kind === 'stop') stop()
  }
  // Ctrl-C reaches every process of a terminal: the parent hears it, too, and tells us.
  const ignore = (): void => {}
  process.on('message', told).on('disconnect', stop).on('SIGINT', ignore)
  const end = (): void => {
    clearInterval(timer)
    process.off('message', told).off('disconnect', stop).off('SIGINT', ignore)
    if (process.connected) process.disconnect?.()
  }
  return { end }
}
