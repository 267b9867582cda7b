import { closeSync, linkSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'
import { messageOf, SkerryError } from '../errors.ts'
import { randomIdentity } from '../ids.ts'
import { registryAddress } from '../mesh/discovery/registry/address.ts'
import { Registry } from '../mesh/discovery/registry/server.ts'
import { systemClock } from '../time.ts'
import { wholeNumber } from './arguments.ts'
import type { Command, Invocation } from './command.ts'
import { exits } from './failure.ts'
import { dirOf, givenSecret, registryOf, registryOptions, secretFileOf } from './meeting.ts'
import { stopSignals } from './signals.ts'
import { certificateOptions, givenTls } from './tls.ts'

export const registry: Command = {
  name: 'registry',
  usage: 'registry [--registry URL] [--secret-file FILE]',
  summary: 'run a registry, by which instances of services find each other',
  details: `It keeps everything in memory: instances come back to one that begins anew, and while it is away everybody keeps what
they know. Without a secret it makes one, in DIR, that only your user can read. What is said over tcp:// can be read
and changed on its way: use it within a machine, and tls:// beyond.`,
  options: {
    ...registryOptions,
    'settle-seconds': {
      type: 'string',
      value: 'N',
      help: 'how long it waits for instances to come back after a start (default 10)',
    },
    ...certificateOptions('certificate for tls://, PEM'),
  },
  takes: [0, 0],
  run: runRegistry,
}

async function runRegistry(invocation: Invocation): Promise<number> {
  const { values, engine, out } = invocation
  const settleSeconds = wholeNumber(values, 'settle-seconds', 1)
  const tls = tlsOf(values)
  const listen = registryAddress(registryOf(invocation))
  mkdirSync(dirOf(engine), { recursive: true })
  const signals = stopSignals(['SIGTERM', 'SIGINT'])
  try {
    const running = await Registry.start({
      ...{ clock: systemClock, secret: givenSecret(invocation) ?? makeSecret(invocation), listen },
      ...(tls && { tls }),
      ...(settleSeconds !== undefined && { times: { settleMs: settleSeconds * 1000 } }),
      onRefused: (why) => void (out.json ? out.data({ kind: 'refused', why }) : out.line(`ended a connection: ${why}`)),
    })
    const { address } = running
    const { pid } = process
    if (out.json) await out.data({ kind: 'ready', pid, address })
    else await out.line(`registry ${address}, ${out.style('dim', `process ${pid}; stop it with Ctrl-C or SIGTERM`)}`)
    await signals.stopped
    await running.close()
    return exits.fine
  } finally {
    signals.end()
  }
}

function tlsOf(values: Invocation['values']): TlsOptions | undefined {
  const { cert, key } = givenTls(values)
  return cert && key ? { cert, key } : undefined
}

/** Two that make one at the same time use the same: the file has its name only once it is whole, and never a second time. */
function makeSecret(invocation: Invocation): string {
  const file = secretFileOf(invocation)
  const draft = `${file}.${process.pid}`
  try {
    const fd = openSync(draft, 'wx', 0o600)
    writeSync(fd, `${randomIdentity()}${randomIdentity()}\n`)
    closeSync(fd)
    linkSync(draft, file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new SkerryError('io_error', `${file}: cannot be made (${messageOf(cause)})`, { cause })
  } finally {
    rmSync(draft, { force: true })
  }
  const secret = givenSecret(invocation)
  if (secret === undefined) throw new SkerryError('io_error', `${file}: somebody has removed it; start again`)
  return secret
}
