// Calls of handlers: what is asked is what the contract takes, what comes is what it gives, and only `prepare` may ask.
import { call, contract, service } from 'skerry'
import { z } from 'zod'
import { holds, Orders, type Same } from './fixtures.ts'

const Bank = contract('bank', {
  events: {},
  calls: {
    pay: call({
      input: z.object({ to: z.string(), pence: z.number().default(1) }),
      output: z.object({ balance: z.number(), note: z.string().default('') }),
      errors: { tooMuch: { data: z.object({ most: z.number() }) } },
    }),
    balance: call({
      input: z.object({ of: z.string() }),
      output: z.object({ balance: z.number() }),
      http: 'GET /a/{of}',
    }),
  },
})

const Shop = contract('shop', {
  events: {},
  calls: { buy: call({ input: z.object({ n: z.number() }), output: z.object({ balance: z.number() }) }) },
})
const shop = service(Shop, { calls: [Bank] })

shop.on(Orders.placed, {
  name: 'pay',
  from: 'now',
  prepare: async (ctx, { data }) => {
    const paid = await ctx.call(Bank.pay, { to: data.orderId }, { name: 'first', deadlineMs: 500 })
    holds<Same<typeof paid, { balance: number; note: string }>>()
    const read = await ctx.call(Bank.balance, { of: data.orderId })
    holds<Same<typeof read, { balance: number }>>()

    // @ts-expect-error: an input that the contract does not take
    await ctx.call(Bank.pay, { whom: data.orderId })
    // @ts-expect-error: of a wrong type
    await ctx.call(Bank.pay, { to: 7 })
    // @ts-expect-error: a call has an input
    await ctx.call(Bank.pay)
    // @ts-expect-error: an event is no call
    await ctx.call(Orders.placed, { orderId: '' })
    // @ts-expect-error: a call is named by its contract, not by text
    await ctx.call('bank.pay', { to: '' })
    // @ts-expect-error: the key is derived from the event
    await ctx.call(Bank.pay, { to: '' }, { key: 'mine' })
    // @ts-expect-error: nobody calls by a contract that has no such call
    await ctx.call(Bank.withdraw, { to: '' })
    await ctx.call(Bank.pay, { to: '' }).catch((error: unknown) => {
      if (Bank.pay.refused(error, 'tooMuch')) holds<Same<typeof error.data, { most: number }>>()
    })
    return paid.balance
  },
  handle: async (tx, _event, balance) => {
    holds<Same<typeof balance, number>>()
    // @ts-expect-error: no network within a transaction
    await tx.call(Bank.pay, { to: '' })
  },
})

// @ts-expect-error: nor where a handler is one step
shop.subscribe('one', { from: 'now' }).on(Orders.placed, (tx) => tx.call(Bank.pay, { to: '' }))

shop.serve(Shop.buy, {
  prepare: (ctx, { input }) => ctx.call(Bank.pay, { to: 'shop', pence: input.n }),
  handle: async (tx, _request, paid) => {
    // @ts-expect-error: the handler of a call has a transaction, too
    await tx.call(Bank.pay, { to: '' })
    return { balance: paid.balance }
  },
})
