/** The least that a server in Node can do: lengths and JSON over a socket, each message answered when it came. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { messagesOf, written } from '../bare-sockets.ts'
import { serve } from '../serve.ts'

await serve(async () => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on(
      'data',
      messagesOf((text) => socket.write(written(JSON.stringify(JSON.parse(text))))),
    )
    socket.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { ports: [(server.address() as AddressInfo).port], stop: () => server.close() }
})
