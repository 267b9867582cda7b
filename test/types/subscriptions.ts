// What a subscription must say, and what it cannot.
import { type Service, service, start } from 'skerry'
import { Orders, Stock } from './fixtures.ts'

const stock: Service<'stock'> = service(Stock)
const handle = async (): Promise<void> => {}

stock.subscribe('full', {
  from: 'start',
  order: 'key',
  onDead: 'continue',
  retry: { attempts: 3 },
  budgetMs: 50,
  concurrency: 8,
  rate: { events: 10, perMs: 1000 },
  perKey: { concurrency: 1 },
})

// @ts-expect-error: a name is needed
stock.subscribe({ from: 'start' })

// @ts-expect-error: where to begin is never assumed
stock.subscribe('beginning', {})

// @ts-expect-error: nor left out with all other options
stock.subscribe('options')

// @ts-expect-error: at the start, or now
stock.subscribe('yesterday', { from: 'yesterday' })

// @ts-expect-error: order is by key, or none
stock.subscribe('order', { from: 'start', order: 'time' })

// @ts-expect-error: parked, or passed over
stock.subscribe('dead', { from: 'start', onDead: 'drop' })

// @ts-expect-error: a rate has a period
stock.subscribe('rate', { from: 'start', rate: { events: 10 } })

// @ts-expect-error: an option that does not exist
stock.subscribe('option', { from: 'start', retries: 3 })

stock.on(Orders.placed, { name: 'short', from: 'now' }, handle)

// @ts-expect-error: the short form needs a name
stock.on(Orders.placed, { from: 'now' }, handle)

// @ts-expect-error: and a place to begin
stock.on(Orders.placed, { name: 'short' }, handle)

// @ts-expect-error: its second form, too, needs a name
stock.on(Orders.placed, { from: 'now', prepare: async () => 1, handle })

// @ts-expect-error: nothing to do
stock.on(Orders.placed, { name: 'short', from: 'now' })

// @ts-expect-error: migrations are a folder's URL or a list, not a path
service(Stock, { migrations: './migrations' })

// @ts-expect-error: a contract runs nothing; its service does
void start([Stock])

// @ts-expect-error: two kinds of durability
void start([stock], { durability: 'fsync' })

void start([stock, service(Orders)], { dir: '.skerry', durability: 'normal' })
