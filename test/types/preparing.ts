// Two steps: what prepare returns is what handle gets.
import { service } from 'skerry'
import { holds, Orders, type Same, Stock } from './fixtures.ts'

const stock = service(Stock)
const two = stock.subscribe('two', { from: 'now' })

two.on(Orders.placed, {
  prepare: async (ctx, event) => {
    holds<Same<typeof event.data, { orderId: string; n: number }>>()
    const rate: number = await ctx.outside('rate', async (signal) => (signal.aborted ? 1 : 2))
    const receipt = await ctx.once('charge', async (key) => ({ key }), { keyLifetimeMs: 1000 })
    const [row] = await ctx.snapshot((tx) => tx.sql<{ quantity: number }>`select quantity from stock`)

    // @ts-expect-error: prepare emits nothing
    ctx.publish
    // @ts-expect-error: and changes no rows by version
    ctx.versioned
    // @ts-expect-error: outside work has a name
    await ctx.once(async () => 1)
    return { rate, receipt, quantity: row?.quantity }
  },
  handle: async (_tx, _event, prepared) => {
    holds<Same<typeof prepared, { rate: number; receipt: { key: string }; quantity: number | undefined }>>()
    // @ts-expect-error: not what prepare found out
    prepared.price
  },
})

two.on(Orders.noted, {
  // @ts-expect-error: a number is prepared, text is expected
  prepare: async () => 7,
  handle: async (_tx, _event, prepared: string) => void prepared,
})

// @ts-expect-error: a prepare step alone handles nothing
two.on(Orders.noted, { prepare: async () => 7 })

stock.on(Orders.placed, {
  name: 'charge',
  from: 'now',
  prepare: (ctx, { data }) => ctx.once('charge', async (key) => `${key} ${data.orderId}`),
  handle: async (tx, { data }, receipt) => {
    holds<Same<typeof receipt, string>>()
    await tx.publish(Stock.reserved, { orderId: data.orderId })
    // @ts-expect-error: a foreign event, in the short form, too
    await tx.publish(Orders.placed, { orderId: data.orderId })
  },
})
