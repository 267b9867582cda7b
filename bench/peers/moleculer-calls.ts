/** Calls by Moleculer's TCP transporter, with retries, circuit breaker and timeout on. */
import { ServiceBroker } from 'moleculer'
import { callInBlocks } from '../mesh/block.ts'
import { type Order, timeoutMs } from '../mesh/work.ts'
import { brokerOptions } from './moleculer.ts'

await callInBlocks(async ({ at }) => {
  const [server] = at.moleculer ?? []
  const broker = new ServiceBroker({
    ...brokerOptions('client', server === undefined ? {} : { server }),
    requestTimeout: timeoutMs,
    retryPolicy: { enabled: true },
    circuitBreaker: { enabled: true },
  })
  await broker.start()
  await broker.waitForServices('echo')
  return { call: (order) => broker.call<Order, Order>('echo.give', order), close: () => broker.stop() }
})
