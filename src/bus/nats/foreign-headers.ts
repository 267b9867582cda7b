import type { MsgHdrs } from '@nats-io/transport-node'

/** By which JetStream knows a message that is published again. */
export const messageIdHeader = 'Nats-Msg-Id'

export function foreignHeaders(headers: MsgHdrs | undefined): Record<string, string> {
  return Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.get(name) ?? '']))
}
