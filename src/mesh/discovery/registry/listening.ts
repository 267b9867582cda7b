import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { messageOf, SkerryError } from '../../../errors.ts'
import { isAnswered, listenPrivately } from '../../../sockets.ts'
import { type RegistryAddress, shownAddress } from './address.ts'

export interface Listening {
  /** Where it listens: with the port that was given for 0. */
  readonly address: RegistryAddress
  close(): void
}

/** Listens, on a socket file that is closed to other users where it is one. Throws `conflict` or `io_error`. */
export async function listen(
  address: RegistryAddress,
  tls: TlsOptions | undefined,
  accept: (socket: Socket) => void,
): Promise<Listening> {
  const server = serverFor(address, tls, accept)
  try {
    if (address.kind === 'unix') return await listenOnFile(server, address)
    server.listen(address.port, address.host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { address: { ...address, port }, close: () => server.close() }
  } catch (cause) {
    server.close()
    if (cause instanceof SkerryError) throw cause
    const problem = `${shownAddress(address)}: cannot listen (${messageOf(cause)})`
    throw new SkerryError('io_error', `${problem}; is another process there already?`, { cause })
  } finally {
    // A failing accept (too many open files) leaves the client out: it tries again.
    server.on('error', () => {})
  }
}

function serverFor(address: RegistryAddress, tls: TlsOptions | undefined, accept: (socket: Socket) => void): Server {
  if (address.kind !== 'tls') return createServer(accept)
  if (!tls) throw new SkerryError('invalid_config', `${shownAddress(address)}: give a certificate and its key`)
  const server = createTlsServer({ handshakeTimeout: 3000, ...tls }, accept)
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

async function listenOnFile(server: Server, address: RegistryAddress & { kind: 'unix' }): Promise<Listening> {
  const { path } = address
  if (await isAnswered(path))
    throw new SkerryError('conflict', `${shownAddress(address)}: a registry listens there already; end it first`)
  await listenPrivately(server, path)
  const close = (): void => {
    rmSync(path, { force: true })
    server.close()
  }
  return { address, close }
}
