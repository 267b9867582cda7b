import type { Fact } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import type { Address } from './address.ts'
import type { Callee } from './callee.ts'
import type { Health } from './health.ts'
import type { Limits } from './limits.ts'
import type { ServerTls } from './tls.ts'
import type { Traffic } from './traffic.ts'

/** What every server of calls is opened with, whatever it speaks. */
export interface ServerOptions {
  readonly address: Address
  readonly callees: readonly Callee[]
  readonly health: Health
  readonly clock: Clock
  readonly limits?: Partial<Limits>
  /** What is under way by all doors of this process. */
  readonly traffic: Traffic
  /** Encrypts what goes over ports; sockets of files never are. @default nothing is */
  readonly tls?: ServerTls
  /** Other processes listen on the same port; the system hands connections to all of them. */
  readonly shared?: boolean
  /** Listens at a free port of the same host, too, where no other process does. HTTP and frames. */
  readonly ownPort?: boolean
}

export interface CallServer {
  /** Where it listens: `http://127.0.0.1:41234`, `unix:/run/orders.sock`. */
  readonly url: string
  /** Where this process listens and no other does; undefined where that is `url`. */
  readonly ownUrl?: string
  /** For its metrics. */
  watch(fact: Fact): void
  /** Shows and trusts something else from the next connection on; those that are there stay. It is checked, and TLS is spoken. */
  renewTls(tls: ServerTls): void
  /** Lets requests under way end within so many milliseconds, and closes every connection. */
  stop(graceMs: number): Promise<void>
}
