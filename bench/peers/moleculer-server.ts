/** A Moleculer node whose action gives back what it is given. */
import { ServiceBroker } from 'moleculer'
import { freePort } from '../../test/servers/process.ts'
import { serve } from '../mesh/serve.ts'
import { brokerOptions } from './moleculer.ts'

await serve(async () => {
  const port = await freePort()
  const broker = new ServiceBroker(brokerOptions('server', { port }))
  broker.createService({ name: 'echo', actions: { give: { handler: (ctx) => ctx.params } } })
  await broker.start()
  return { ports: [port], stop: () => broker.stop() }
})
