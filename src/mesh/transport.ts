/** The port of transports: one try of one request at one endpoint. What is tried again, where and for how long is decided above. */
export interface Transport {
  /**
   * Resolves with the whole answer, of whatever status. Rejects with `Lost` when there is none, and with the signal's reason
   * when it aborts, after which the other side is told, as far as the protocol can.
   */
  send(target: Target, request: WireRequest, signal: Ending): Promise<WireAnswer>
  /** Lets go of connections to those that are no longer among these. */
  keepOnly(targets: readonly Target[]): void
  /** Closes all connections. What is under way is lost. */
  close(): Promise<void>
}

/** What whoever works on a request must know of its end: that much of an `AbortSignal`. */
export interface Ending {
  readonly aborted: boolean
  readonly reason: unknown
  /** `ended` is called once, when it aborts. */
  addEventListener(type: 'abort', ended: () => void, options?: { readonly once: true }): void
  removeEventListener(type: 'abort', ended: () => void): void
}

/** Where a request goes: an endpoint, as a transport sees it. */
export interface Target {
  /** Names one life of one instance. */
  readonly id: string
  readonly address: string
  /** Where it speaks frames, too. */
  readonly frames?: string
}

export interface WireRequest {
  readonly method: string
  /** With the query, as it is sent. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface WireAnswer {
  /** HTTP status, 200–599. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** How an answer was lost: `connect` and `refused` never reached a handler; after `reset` nobody knows. */
export type Loss = 'connect' | 'refused' | 'reset'

/** There is no answer, and why. It never leaves the mesh: callers get a `SkerryError`. */
export class Lost extends Error {
  override readonly name = 'Lost'
  readonly how: Loss

  constructor(how: Loss, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.how = how
  }
}
