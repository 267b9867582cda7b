import { chmodSync, renameSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, type Server } from 'node:net'
import { messageOf, SkerryError } from '../../errors.ts'
import { type Address, type Scheme, urlOf } from './address.ts'

export interface Listening {
  readonly url: string
  /** Takes the socket's name away, so that nobody new comes. */
  unlink(): void
}

/** Rejects with `invalid_config` naming what is wrong with the address. */
export async function listen(
  server: Server,
  address: Address,
  shared: boolean,
  scheme: Scheme = 'http',
): Promise<Listening> {
  if (address.kind === 'unix') return listenOnSocket(server, address.path)
  const { host, port } = address
  await listening(server, urlOf(address, scheme), { host, port, reusePort: shared })
  const given = server.address() as AddressInfo
  return { url: urlOf({ kind: 'tcp', host, port: given.port }, scheme), unlink: () => {} }
}

/** The socket gets its name only once nobody else can open it. A name that a dead process left is taken over. */
async function listenOnSocket(server: Server, path: string): Promise<Listening> {
  if (await answers(path)) throw inUse(`unix:${path}`)
  const draft = `${path}.${process.pid}`
  await listening(server, `unix:${path}`, { path: draft })
  chmodSync(draft, 0o600)
  renameSync(draft, path)
  return { url: `unix:${path}`, unlink: () => rmSync(path, { force: true }) }
}

function listening(server: Server, where: string, options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const why = `${where}: cannot listen: ${messageOf(error)}`
      const other = new SkerryError('invalid_config', why, { cause: error })
      reject(error.code === 'EADDRINUSE' ? inUse(where) : other)
    }
    server.once('error', failed)
    server.listen(options, () => {
      server.off('error', failed)
      // A failing accept (too many open files) leaves the others as they are.
      server.on('error', () => {})
      resolve()
    })
  })
}

const inUse = (where: string): SkerryError =>
  new SkerryError('invalid_config', `${where} is in use by another process; choose another address`)

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (answered: boolean) => (): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', end(true)).once('error', end(false))
  })
}
