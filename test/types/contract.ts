// What a contract accepts, and the types that come out of it.
import { contract, type DataOf, event, type InputOf } from 'skerry'
import { z } from 'zod'
import { holds, OrderPlaced, Orders, type Same, type Stock } from './fixtures.ts'

// Publishers give what the schema takes, handlers get what it makes of that.
holds<Same<InputOf<typeof Orders.placed>, { orderId: string; n?: number | undefined }>>()
holds<Same<DataOf<typeof Orders.placed>, { orderId: string; n: number }>>()
holds<Same<InputOf<typeof Orders.noted>, { words: string }>>()
holds<Same<DataOf<typeof Orders.noted>, { words: number }>>()
holds<Same<(typeof Stock.reserved)['service'], 'stock'>>()

// @ts-expect-error: a contract has only the events that it declares
Orders.plaecd

// @ts-expect-error: the key comes from data that the schema gives
event({ data: OrderPlaced, key: (d) => d.order })

// @ts-expect-error: a key is a string
event({ data: OrderPlaced, key: (d) => d.n })

// @ts-expect-error: a schema is one that keeps to Standard Schema
event({ data: { orderId: 'string' } })

// @ts-expect-error: an event has a schema
event({ key: () => '' })

// @ts-expect-error: a version is a number
event({ data: OrderPlaced, version: '2' })

// @ts-expect-error: upcasters are functions
event({ data: OrderPlaced, version: 2, upcast: { 1: { n: 1 } } })

// @ts-expect-error: a contract says which events it has, be they none
contract('empty', {})

// @ts-expect-error: events are made by `event`, or look like it: a bare schema is none
contract('bare', { events: { happened: z.object({}) } })

// @ts-expect-error: what a contract says cannot be changed afterwards
Orders.placed = Orders.noted
