/** Private servers: found, started on a free loopback port with their data in a folder of the run, ended by pid. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from './kinds.ts'

/** Administrators' folders are not on everyone's path, but Debian puts servers there. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']
/** Ends a start that hangs. Much longer than a start takes, since on a busy machine that may be ten times the usual. */
const START_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 5_000

export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly port: number
  readonly uid?: number
  readonly gid?: number
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>>
  readonly stopSignal?: NodeJS.Signals
  /** Text of its log that says it is ready; a port that answers, by default. */
  readonly readyText?: string
  /** Longest wait for that, in milliseconds. @default 120 000 */
  readonly startWithinMs?: number
}

export const LOOPBACK = '127.0.0.1'

export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter)
  return [...folders, ...path, ...MORE_FOLDERS].map((folder) => join(folder, name)).find(isExecutable)
}

export function versionOf(program: string | undefined): string | undefined {
  if (program === undefined) return undefined
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return /\d+\.\d+(\.\d+)?/.exec(stdout ?? '')?.[0]
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export async function launch({
  file,
  args,
  port,
  uid,
  gid,
  env,
  stopSignal,
  readyText,
  startWithinMs,
}: Launch): Promise<Server> {
  const owner = uid === undefined || gid === undefined ? {} : { uid, gid }
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...owner })
  const log: string[] = []
  child.stdout.on('data', (text) => log.push(String(text)))
  child.stderr.on('data', (text) => log.push(String(text)))
  const ready = readyText === undefined ? () => answers(port) : async () => log.join('').includes(readyText)
  try {
    await waitUntilReady(child, ready, startWithinMs ?? START_WITHIN_MS)
  } catch (cause) {
    child.kill('SIGKILL')
    throw new Error(`${file} did not start: ${log.join('').trim().split('\n').slice(-40).join(' | ')}`, { cause })
  }
  return {
    address: { host: LOOPBACK, port },
    pid: child.pid as number,
    stop: () => stop(child, stopSignal ?? 'SIGTERM'),
    kill: () => stop(child, 'SIGKILL'),
  }
}

async function waitUntilReady(child: ChildProcess, ready: () => Promise<boolean>, withinMs: number): Promise<void> {
  const spawned = new Promise<never>((_, reject) => child.once('error', reject))
  const deadline = performance.now() + withinMs
  while (!(await Promise.race([ready(), spawned]))) {
    if (child.exitCode !== null) throw new Error(`it exited with code ${child.exitCode}`)
    if (performance.now() > deadline) throw new Error(`it was not ready within ${withinMs / 1_000} s`)
    await sleep(10)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await exited
  clearTimeout(insist)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
