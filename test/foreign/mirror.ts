/** A service that takes in what a foreign topic says, and one that tells a foreign topic: for tests on real servers. */
import { join } from 'node:path'
import {
  type App,
  contract,
  event,
  type Fact,
  type ForeignMessage,
  type Identity,
  type SourceOptions,
  service,
  start,
} from 'skerry'
import { z } from 'zod'

export const Mirror = contract('mirror', {
  events: {
    ordered: event({ data: z.object({ order: z.string(), n: z.number().int() }), key: (d) => d.order }),
    noted: event({ data: z.object({ text: z.string() }) }),
  },
})

const migrations = [
  {
    number: 1,
    name: 'book',
    additive: true,
    sql: 'create table book (id text not null, n integer not null, line integer primary key autoincrement)',
  },
]

/** What the classic publisher writes: JSON, said to be plain text. */
export const decode = ({ text }: ForeignMessage): { order: string; n: number } => JSON.parse(text)

/** Each message that came is a line of the book: one that came twice would be two lines. */
export function mirror(options: SourceOptions) {
  const one = service(Mirror, { migrations })
  one.source('old-shop', options).on(Mirror.ordered, decode)
  one.subscribe('book', { from: 'start', order: 'key' }).on(Mirror.ordered, async (tx, { id, data }) => {
    await tx.sql`insert into book (id, n) values (${id}, ${data.n})`
  })
  return one
}

export const queueOf = (url: string, id: Identity = 'message-id'): SourceOptions => ({
  url,
  queue: 'mirror',
  bind: { exchange: 'events', routingKey: 'event', type: 'direct' },
  id,
})

export type MirrorService = ReturnType<typeof mirror>

/** Runs a mirror on embedded engines in a folder of its own within `dir`, for as long as `work` takes. */
export async function running(
  dir: string,
  name: string,
  one: MirrorService,
  work: (app: App, facts: readonly Fact[]) => Promise<void>,
): Promise<void> {
  const facts: Fact[] = []
  const options = {
    dir: join(dir, name),
    durability: 'normal',
    watcher: (fact: Fact) => void facts.push(fact),
  } as const
  const app = await start([one], options)
  try {
    await work(app, facts)
  } finally {
    await app.stop()
  }
}

/** What is in the book, in the order in which it came. */
export const booked = (app: App, one: MirrorService): Promise<number[]> =>
  app.read(one, async (tx) => (await tx.sql<{ n: number }>`select n from book order by line`).map(({ n }) => n))
