// Durable calls: sent within a transaction by whom the contract lets, answered by an event with the types of the contract.
import { type App, call, contract, event, type HandleContext, service } from 'skerry'
import { z } from 'zod'
import { holds, Orders, type Same } from './fixtures.ts'

const Bank = contract('bank', {
  events: { paid: event({ data: z.object({ to: z.string() }) }) },
  calls: {
    pay: call({
      input: z.object({ to: z.string(), pence: z.number().default(1) }),
      output: z.object({ balance: z.number() }),
      errors: { tooMuch: { data: z.object({ most: z.number() }) }, closed: {} },
      senders: ['shop', 'office'],
    }),
    open: call({ input: z.object({ name: z.string() }), output: z.object({}) }),
    balance: call({ input: z.object({ of: z.string() }), output: z.object({}), http: 'GET /a/{of}' }),
  },
})

const shop = service(contract('shop', { events: {} }))
const thief = service(contract('thief', { events: {} }))

shop.on(Orders.placed, { name: 'pay', from: 'now' }, async (tx, { data }) => {
  const id = await tx.send(Bank.pay, { to: data.orderId }, { key: data.orderId, delay: 100 })
  holds<Same<typeof id, string>>()
  // @ts-expect-error: an input that the contract does not take
  await tx.send(Bank.pay, { whom: data.orderId })
  // @ts-expect-error: the contract lets nobody send this one
  await tx.send(Bank.open, { name: '' })
  // @ts-expect-error: nothing is to be sent that changes nothing
  await tx.send(Bank.balance, { of: '' })
  // @ts-expect-error: an event is no call
  await tx.send(Bank.paid, { to: '' })
  await tx.cancel(Bank.pay, id)
  await tx.cancel(Bank.pay, id, data.orderId)
  // @ts-expect-error: the contract lets nobody send this one
  await tx.cancel(Bank.open, id)
  // @ts-expect-error: an event of another service
  await tx.cancel(Bank.paid, id)
})

thief.on(Orders.placed, { name: 'pay', from: 'now' }, async (tx) => {
  // @ts-expect-error: the contract does not name this service among its senders
  await tx.send(Bank.pay, { to: 'thief' })
  // @ts-expect-error: nor has it anything to withdraw
  await tx.cancel(Bank.pay, 'id')
})

export async function inAnotherFile(tx: HandleContext<'office'>): Promise<void> {
  await tx.send(Bank.pay, { to: '' })
}

export async function fromOutside(app: App): Promise<void> {
  const id = await app.send(shop, Bank.pay, { to: 'ada' }, { key: 'ada', delay: 100 })
  holds<Same<typeof id, string>>()
  // @ts-expect-error: the contract does not name this service among its senders
  await app.send(thief, Bank.pay, { to: 'thief' })
  // @ts-expect-error: an input that the contract does not take
  await app.send(shop, Bank.pay, { whom: 'ada' })
  // @ts-expect-error: the contract lets nobody send this one
  await app.send(shop, Bank.open, { name: '' })
}

shop.onReply(Bank.pay, { name: 'paid', from: 'start', order: 'key' }, async (_tx, reply) => {
  holds<Same<typeof reply.data.request, string>>()
  if (reply.data.kind === 'answered') holds<Same<typeof reply.data.output, { balance: number }>>()
  else if (reply.data.kind === 'invalid') holds<Same<typeof reply.data.message, string>>()
  else if (reply.data.reason === 'tooMuch') holds<Same<typeof reply.data.data, { most: number }>>()
  else holds<Same<typeof reply.data.reason, 'closed'>>()
  // @ts-expect-error: it may have been refused
  reply.data.output
})

shop.onReply(Bank.pay, {
  name: 'prepared',
  from: 'start',
  prepare: async (ctx, reply) => ctx.outside('tell', async () => reply.data.kind),
  handle: async (_tx, _reply, kind) => holds<Same<typeof kind, 'answered' | 'refused' | 'invalid'>>(),
})

// @ts-expect-error: no reply comes to whom the contract does not name
thief.onReply(Bank.pay, { name: 'paid', from: 'start' }, async () => {})
// @ts-expect-error: a subscription says from when
shop.onReply(Bank.pay, { name: 'later' }, async () => {})
// @ts-expect-error: nobody sends it, so nothing comes back
shop.onReply(Bank.open, { name: 'opened', from: 'start' }, async () => {})
service(Bank, {
  durableCalls: { order: 'key', retry: { attempts: 3 }, dependsOn: [[Bank.pay, 'the later one counts']] },
})
// @ts-expect-error: it reads from the start, lest something that was sent is not answered
service(Bank, { durableCalls: { from: 'now' } })
// @ts-expect-error: senders are names
call({ input: z.object({}), output: z.object({}), senders: [7] })
