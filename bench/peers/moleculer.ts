/** What both Moleculer nodes are made of: its TCP transporter and JSON, with nothing measured, traced, logged or validated. */
import type { BrokerOptions } from 'moleculer'

/** `server`: the port of the other node, for whoever looks for it. Nodes that know one another's addresses need no broadcasts. */
export function brokerOptions(nodeID: string, { port, server }: { port?: number; server?: number }): BrokerOptions {
  const urls = server === undefined ? '' : `127.0.0.1:${server}/server`
  return {
    nodeID,
    transporter: { type: 'TCP', options: { udpDiscovery: false, urls, ...(port !== undefined && { port }) } },
    logger: false,
    validator: false,
    metrics: false,
    tracing: false,
  }
}
