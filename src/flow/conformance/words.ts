import { contract, event } from '../../contract.ts'
import type { Schema } from '../../schema.ts'
import { type Service, type SubscriptionOptions, service } from '../../service.ts'
import type { Migration } from '../../store/store.ts'
import type { HandleContext, ReceivedEvent } from '../handler.ts'

/** What most events of the suite say: a number, an entity, and a word for the handler. */
export interface Word {
  readonly n: number
  readonly key: string
  readonly note?: string
}

/** A schema written by hand, so that the suite needs no library. */
export function schemaOf<T>(problem: (value: never) => string | undefined): Schema<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'by hand',
      validate: (value) => {
        const message = problem(value as never)
        return message === undefined ? { value: value as T } : { issues: [{ message, path: ['n'] }] }
      },
    },
  }
}

export const word = schemaOf<Word>((value: { n?: unknown } | null) =>
  typeof value?.n === 'number' ? undefined : 'is not a number',
)

const spoken = event({ data: word, key: (d) => d.key })

/** A publisher from outside: a contract with events only. */
export const Town = contract('town', { events: { said: spoken, asked: spoken } })
/** Another one. */
export const Hill = contract('hill', { events: { said: spoken } })
/** The service under test; `heard` is what it emits. */
export const Ear = contract('ear', { events: { heard: spoken, again: spoken } })

/** One row for each effect, in the order of their commits: twice handled shows as two rows. */
export const effects: Migration = {
  number: 1,
  name: 'effects',
  sql: `
    create table effect (place integer primary key, n integer not null, key text not null, note text);
    create table counted (key text primary key, value integer not null, version integer not null);
    create table parent (id integer primary key);
    create table child (id integer primary key, parent integer references parent (id) deferrable initially deferred);`,
  additive: true,
}

export type Tx = HandleContext<'ear'>
export type Handle = (tx: Tx, event: ReceivedEvent<Word>) => Promise<void> | void

/** The effect that every handler of the suite has. */
export async function record(tx: Tx, { data }: ReceivedEvent<Word>): Promise<void> {
  await tx.sql`insert into effect (place, n, key, note)
    select coalesce(max(place), 0) + 1, ${data.n}, ${data.key}, ${data.note ?? null} from effect`
}

/** Quick retries without chance. */
export const quick = { firstMs: 5, factor: 1, jitter: 0 }

export type EarOptions = Partial<SubscriptionOptions> & { readonly name?: string }

export const ear = (): Service<'ear'> => service(Ear, { migrations: [effects] })

/** The service under test with one subscription to what the town says and asks. */
export function listener(options: EarOptions, handle: Handle): Service<'ear'> {
  const { name = 'ears', ...rest } = options
  const self = ear()
  self
    .subscribe(name, { from: 'start', retry: quick, ...rest })
    .on(Town.said, handle)
    .on(Town.asked, handle)
  return self
}
