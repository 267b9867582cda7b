/** What a server bears. */
export interface Limits {
  /** Largest body, in bytes. @default 1 MiB */
  readonly bodyBytes: number
  /** All headers of a request, in bytes. @default 16 KiB */
  readonly headerBytes: number
  /** How long a request may take to come in, in milliseconds. @default 10 000 */
  readonly requestMs: number
  /** How long a connection without requests stays open, in milliseconds; clients should close theirs sooner. @default 75 000 */
  readonly idleMs: number
  /** Most requests at once on one connection of HTTP/2. @default 256 */
  readonly streams: number
}

export const defaultLimits: Limits = {
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  requestMs: 10_000,
  idleMs: 75_000,
  streams: 256,
}
