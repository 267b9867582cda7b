import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { LOOPBACK } from './process.ts'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** Passes nothing on, and tells neither side of the other's end: a network that lost its way says nothing. */
  swallows: boolean
}

/** A TCP passage in front of a server, to treat connections as networks do. */
export class Passage {
  readonly port: number
  readonly #listener: Server
  readonly #pairs = new Set<Pair>()
  /** Connections that were made so far. */
  made = 0
  /** Bytes that came from the server. */
  received = 0
  /** Bytes that reached nobody. */
  swallowed = 0
  #mute: 'nothing' | 'answers' = 'nothing'
  #swallowing = false
  #rewrite: ((answer: string) => string) | undefined

  private constructor(listener: Server) {
    this.#listener = listener
    this.port = (listener.address() as AddressInfo).port
  }

  /** `from`: the port to listen on. @default a free one */
  static async to(port: number, from = 0): Promise<Passage> {
    const listener = createServer((client) => passage.#pair(client, connect(port, LOOPBACK)))
    listener.listen(from, LOOPBACK)
    await once(listener, 'listening')
    const passage: Passage = new Passage(listener)
    return passage
  }

  /** Connections that there are, each with both of its ends. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Answers are passed on as `rewrite` makes them, byte for character (latin1): for a server that says it is another one. */
  disguise(rewrite: (answer: string) => string): void {
    this.#rewrite = rewrite
  }

  /** What the server sends is swallowed. Nobody is told. */
  mute(what: 'nothing' | 'answers'): void {
    this.#mute = what
  }

  /** The connections that there are swallow everything from now on, and are never ended; new ones are served as usual. */
  blackHole(): void {
    for (const pair of this.#pairs) pair.swallows = true
  }

  /** All connections, new ones too, are taken and lead nowhere, until `recover`. */
  swallow(): void {
    this.#swallowing = true
    this.blackHole()
  }

  /** Serves as usual again; what was swallowed is gone, and so are the connections it was on. */
  recover(): void {
    this.#swallowing = false
    this.cut()
  }

  /** Ends every connection, as a pulled cable does once somebody notices; new ones are served as usual. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
    this.#pairs.clear()
  }

  async close(): Promise<void> {
    this.cut()
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  #asItSays(data: Buffer): Buffer {
    return this.#rewrite ? Buffer.from(this.#rewrite(data.toString('latin1')), 'latin1') : data
  }

  #pair(client: Socket, server: Socket): void {
    const pair: Pair = { client, server, swallows: this.#swallowing }
    this.#pairs.add(pair)
    this.made++
    client.on('data', (data) => {
      if (pair.swallows) this.swallowed += data.length
      else server.write(data)
    })
    server.on('data', (data: Buffer) => {
      this.received += data.length
      if (this.#mute === 'nothing' && !pair.swallows) client.write(this.#asItSays(data))
      else this.swallowed += data.length
    })
    const ends = [
      [client, server],
      [server, client],
    ] as const
    for (const [one, other] of ends) {
      one.on('error', () => {})
      one.on('close', () => {
        if (!pair.swallows) other.destroy()
        if (client.destroyed && server.destroyed) this.#pairs.delete(pair)
      })
    }
  }
}
