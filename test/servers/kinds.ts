/**
 * FULL: what was confirmed survives a power cut (synced before it is acknowledged).
 * NORMAL: it survives the death of any process, and the last moments may be lost at a power cut.
 */
export type Durability = 'FULL' | 'NORMAL'

export type ServerName = 'nats-server' | 'redis-server' | 'postgresql' | 'rabbitmq-server' | 'kafka' | 'kafka 3.9'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export interface ServerKind {
  /** How to get it, as a command or a sentence. */
  readonly remedy: string
  /** Its version, or undefined where it is not installed. */
  version(): string | undefined
  /**
   * Starts it with its data in `folder`; data that is there already is used again. `port` is for a server that comes
   * back under the address that it had. @default a free one
   */
  start(folder: string, options: StartServer): Promise<Server>
}

export interface StartServer {
  readonly durability: Durability
  readonly port?: number
  /** Further settings, in the server's own names, where its kind takes some. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface Server {
  readonly address: ServerAddress
  /** Where it tells about itself over HTTP, if it does. */
  readonly monitor?: ServerAddress
  readonly pid: number
  /** Ends it in good order; resolves when it is gone. */
  stop(): Promise<void>
  /** Ends it without warning, as `kill -9` does; resolves when it is gone. */
  kill(): Promise<void>
}
