import type { Migration, ReadTx, Rows, Store, StoreOptions } from '../store.ts'

/** What an engine's author gives, so that the suite can be run on it. One fixture is one empty database. */
export interface StoreFixture {
  /**
   * `one`: at any moment one process writes, and the others wait, in turns. `several`: they write side by side as if one
   * after another, and are told with `conflict` where that cannot be. @default 'one'
   */
  readonly writers?: 'one' | 'several'
  /** Opens the store; the suite opens some more than once, and closes all. */
  open(options?: StoreOptions): Promise<Store>
  /** How other processes open the same store: a module that exports `open(location, options)`, as `OpenElsewhere`. */
  readonly elsewhere: { readonly module: string; readonly location: string }
  /** Makes the store unable to grow, as on a full disk, until the returned function is called. */
  fillDisk(store: Store): Promise<() => Promise<void>>
  /** Removes the database. */
  dispose(): Promise<void>
}

export type OpenElsewhere = (location: string, options: StoreOptions) => Promise<Store>
export type MakeStoreFixture = () => Promise<StoreFixture>

/** The tables that most tests use, in the words of every dialect. */
export const items: Migration = {
  number: 1,
  name: 'items',
  sql: `
    create table item (id integer primary key, n integer not null default 0, label text unique, body text);
    create table part (id integer primary key, item integer references item (id) deferrable initially deferred);`,
  additive: true,
}

/** Runs `test` on a fresh store with the `items` tables; closes it and removes its database whatever happens. */
export async function onStore(
  make: MakeStoreFixture,
  test: (store: Store, fixture: StoreFixture) => Promise<void>,
  options: StoreOptions = {},
): Promise<void> {
  await onFixture(make, async (fixture) => {
    const store = await fixture.open({ migrations: [items], ...options })
    try {
      await test(store, fixture)
    } finally {
      await store.close()
    }
  })
}

export async function onFixture(make: MakeStoreFixture, test: (fixture: StoreFixture) => Promise<void>): Promise<void> {
  const fixture = await make()
  try {
    await test(fixture)
  } finally {
    await fixture.dispose()
  }
}

export type Sql = (template: TemplateStringsArray, ...values: unknown[]) => Promise<Rows>

/** A user's way to write statements. */
export function sqlOf(tx: ReadTx): Sql {
  return (template, ...values) => tx.query(template, values)
}

/** All ids of table `item`, as a snapshot has them. */
export async function itemIds(store: Store): Promise<unknown[]> {
  const rows = await store.read((tx) => sqlOf(tx)`select id from item order by id`)
  return rows.map((row) => row.id)
}
