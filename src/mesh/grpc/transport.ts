import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { Channel, type ChannelCredentials, connectivityState, credentials } from '@grpc/grpc-js'
import { SkerryError } from '../../errors.ts'
import { type Clock, inTime } from '../../time.ts'
import { orAborted } from '../aborting.ts'
import type { ClientTls } from '../tls.ts'
import { type Ending, Lost, type Target, type Transport, type WireAnswer, type WireRequest } from '../transport.ts'
import { answerOf, metadataOf, wasSaidByServer } from './answers.ts'
import { askWhy, plainReason } from './reason.ts'

export interface GrpcTransportOptions {
  readonly clock: Clock
  /** @default 1000 ms */
  readonly connectTimeoutMs?: number
  /** Longest answer that is read, in bytes. @default 16 MiB */
  readonly maxBytes?: number
  /** Whom to trust, and what to show, where instances are at `grpcs:`. */
  readonly tls?: ClientTls
}

interface Kept {
  readonly channel: Channel
  /** While it connects: everybody waits for the same. */
  connecting: Promise<void> | undefined
}

/**
 * What is asked for where an instance is at an address: Node refuses an address as a name, and the library always names one. Nobody
 * can have it (RFC 6761).
 */
const noName = 'address.invalid'
/** A message that is all there is to say. */
const unlimited = Number.POSITIVE_INFINITY

/**
 * gRPC, for instances that speak it: `grpc://10.0.0.7:50051`, `grpcs://…`. The path names the method, bodies are messages; an answer
 * has the status of HTTP that fits, and `grpc-status`. One channel for each endpoint, that tries nothing again itself.
 */
export class GrpcTransport implements Transport {
  readonly #clock: Clock
  readonly #connectTimeoutMs: number
  readonly #maxBytes: number
  readonly #tls: GrpcTransportOptions['tls']
  readonly #kept = new Map<string, Kept>()

  constructor({ clock, connectTimeoutMs = 1000, maxBytes = 16 * 1024 * 1024, tls }: GrpcTransportOptions) {
    this.#clock = clock
    this.#connectTimeoutMs = connectTimeoutMs
    this.#maxBytes = maxBytes
    this.#tls = tls
  }

  async send(target: Target, request: WireRequest, signal: Ending): Promise<WireAnswer> {
    if (signal.aborted) throw signal.reason
    const kept = this.#keptFor(target)
    const connecting = this.#connecting(kept, target.address)
    if (connecting) await orAborted(connecting, signal)
    return call(kept.channel, target.address, request, signal)
  }

  keepOnly(targets: readonly Target[]): void {
    const ids = new Set(targets.map(({ id }) => id))
    for (const [id, { channel }] of this.#kept) {
      if (ids.has(id)) continue
      this.#kept.delete(id)
      // What is under way there ends first.
      channel.close()
    }
  }

  async close(): Promise<void> {
    for (const { channel } of this.#kept.values()) channel.close()
    this.#kept.clear()
  }

  #keptFor({ id, address }: Target): Kept {
    const known = this.#kept.get(id)
    if (known) return known
    const { protocol, host, hostname } = new URL(address)
    if (protocol !== 'grpc:' && protocol !== 'grpcs:')
      throw new SkerryError('invalid_config', `${address}: gRPC is spoken at grpc://host:port or grpcs://host:port`)
    const ip = hostname.replace(/^\[(.*)\]$/, '$1')
    const name = this.#tls?.servername ?? (isIP(ip) ? noName : undefined)
    const secure = (): ChannelCredentials => this.#secure(name === noName ? ip : undefined)
    const channel = new Channel(host, protocol === 'grpcs:' ? secure() : credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': this.#maxBytes,
      // Shared with no other client, so that closing it closes its connection.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 5000,
      ...(name !== undefined && { 'grpc.ssl_target_name_override': name }),
    })
    const made = { channel, connecting: undefined }
    this.#kept.set(id, made)
    return made
  }

  /** The certificate must be that of the address, where one is given, else that of the name that the library asks for. */
  #secure(ip: string | undefined): ChannelCredentials {
    const { ca, key, cert } = this.#tls ?? {}
    const bytes = (pem: string | Buffer | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem))
    const check =
      ip === undefined
        ? {}
        : { checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(ip, shown) }
    return credentials.createSsl(bytes(ca), bytes(key), bytes(cert), check)
  }

  /** Nothing while it is connected. A call that goes out only then was never sent if this rejects. */
  #connecting(kept: Kept, address: string): Promise<void> | undefined {
    if (kept.channel.getConnectivityState(true) === connectivityState.READY) return undefined
    kept.connecting ??= this.#connect(kept.channel, address).finally(() => {
      kept.connecting = undefined
    })
    return kept.connecting
  }

  async #connect(channel: Channel, address: string): Promise<void> {
    const connected = connectedOrNot(channel)
    if (!(await inTime(this.#clock, this.#connectTimeoutMs, connected)))
      throw new Lost('connect', `${address}: no connection within ${this.#connectTimeoutMs} ms`)
    if (await connected) return
    const { details, end } = askWhy(channel)
    await inTime(this.#clock, this.#connectTimeoutMs, details)
    end()
    const why = plainReason(await details, address.startsWith('grpcs:'))
    if (channel.getConnectivityState(false) !== connectivityState.READY)
      throw new Lost('connect', `${address}: cannot connect: ${why}`)
  }
}

/** Settles when the channel is connected, or cannot be for now. */
function connectedOrNot(channel: Channel): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (): void => {
      const state = channel.getConnectivityState(true)
      if (state === connectivityState.READY) resolve(true)
      else if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) resolve(false)
      else channel.watchConnectivityState(state, unlimited, look)
    }
    look()
  })
}

/**
 * One unary call. The deadline travels in a header and is watched above, which ends the call by its signal: two clocks for the same
 * would race.
 */
function call(channel: Channel, address: string, request: WireRequest, signal: Ending): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const { path, headers, body } = request
    const calling = channel.createCall(path, unlimited, headers.host ?? null, null, null)
    let message: Buffer | undefined
    let heard = false
    const abort = (): void => {
      reject(signal.reason)
      calling.cancelWithStatus(1, 'nobody waits for the answer any more')
    }
    signal.addEventListener('abort', abort, { once: true })
    calling.start(metadataOf(headers), {
      onReceiveMetadata() {
        heard = true
      },
      onReceiveMessage(received: Buffer | null) {
        message = received ?? undefined
      },
      onReceiveStatus(status) {
        signal.removeEventListener('abort', abort)
        if (heard || wasSaidByServer(status)) resolve(answerOf(status, message))
        else reject(new Lost('reset', `${address}: ${status.details}`))
      },
    })
    calling.startRead()
    calling.sendMessageWithContext({}, Buffer.from(body.buffer, body.byteOffset, body.byteLength))
    calling.halfClose()
  })
}
