import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { AddressInfo, Server } from 'node:net'
import { messageOf, SkerryError } from '../../errors.ts'
import { isAnswered, listenPrivately } from '../../sockets.ts'
import { type Address, type Scheme, urlOf } from './address.ts'
import type { ServerOptions } from './server.ts'

export interface Listening {
  readonly url: string
  /** Takes the socket's name away, so that nobody new comes. */
  unlink(): void
}

/**
 * The first server listens at the address, a second one at a port of its own beside it. Rejects with `invalid_config` naming what is
 * wrong with the address; none listens then.
 */
export async function listenAll(
  [server, beside]: readonly Server[],
  { address, shared = false }: Pick<ServerOptions, 'address' | 'shared'>,
  scheme: Scheme,
): Promise<Listening & { readonly ownUrl?: string }> {
  const listening = await listen(server as Server, address, shared, scheme)
  if (!beside || address.kind === 'unix') return listening
  try {
    const { url } = await listen(beside, { ...address, port: 0 }, false, scheme)
    return { ...listening, ownUrl: url }
  } catch (error) {
    server?.close()
    throw error
  }
}

async function listen(server: Server, address: Address, shared: boolean, scheme: Scheme): Promise<Listening> {
  if (address.kind === 'unix') return listenOnSocket(server, address.path)
  const { host, port } = address
  server.listen({ host, port, reusePort: shared })
  await listening(server, urlOf(address, scheme), once(server, 'listening'))
  const given = server.address() as AddressInfo
  return { url: urlOf({ kind: 'tcp', host, port: given.port }, scheme), unlink: () => {} }
}

/** A name that a dead process left is taken over. */
async function listenOnSocket(server: Server, path: string): Promise<Listening> {
  const url = `unix:${path}`
  if (await isAnswered(path)) throw inUse(url)
  await listening(server, url, listenPrivately(server, path))
  return { url, unlink: () => rmSync(path, { force: true }) }
}

async function listening(server: Server, where: string, begun: Promise<unknown>): Promise<void> {
  try {
    await begun
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') throw inUse(where)
    throw new SkerryError('invalid_config', `${where}: cannot listen: ${messageOf(cause)}`, { cause })
  }
  // A failing accept (too many open files) leaves the others as they are.
  server.on('error', () => {})
}

const inUse = (where: string): SkerryError =>
  new SkerryError('invalid_config', `${where} is in use by another process; choose another address`)
