import { PreferringTransport } from './mesh/client/preferring.ts'
import { FrameTransport, type FrameTransportOptions } from './mesh/frames/transport.ts'
import { HttpTransport, type HttpTransportOptions } from './mesh/http/transport.ts'
import type { ClientTls } from './mesh/tls.ts'
import type { Transport } from './mesh/transport.ts'
import type { Clock } from './time.ts'

/** How calls are carried to instances. */
export interface TransportOptions {
  /** Whom to trust, and what to show, where instances are at `https:` and `tls:`. */
  readonly tls?: ClientTls
  readonly http?: HttpTransportOptions
  /** Frames are spoken where an instance offers them, which is quicker; `false`: HTTP alone. */
  readonly frames?: Omit<FrameTransportOptions, 'clock'> | false
}

/** Needs `undici`. */
export function transportOf({ http, frames, tls }: TransportOptions, clock: Clock): Transport {
  const own = tls && { tls }
  const overHttp = new HttpTransport({ ...own, ...http })
  if (frames === false) return overHttp
  return new PreferringTransport({ http: overHttp, frames: new FrameTransport({ clock, ...own, ...frames }), clock })
}
