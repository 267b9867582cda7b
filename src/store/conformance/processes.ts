import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { itemIds, items, type MakeStoreFixture, onFixture, onStore, type StoreFixture, sqlOf } from './fixture.ts'

/** Other processes on the same store, and their deaths. */
export function processes(make: MakeStoreFixture): void {
  test('processes that open a new store at once agree on it', () =>
    onFixture(make, async (fixture) => {
      const children = [1, 2].map(() => new Elsewhere(fixture, 'open'))
      const identities = await Promise.all(children.map((child) => child.says()))
      await Promise.all(children.map((child) => child.ended()))
      const store = await fixture.open({ migrations: [items] })
      assert.deepEqual(identities, [store.identity, store.identity])
      await store.close()
    }))

  test('kill -9 inside a transaction leaves nothing of it, and the next writer gets in', () =>
    onStore(make, async (store, fixture) => {
      await store.write((tx) => sqlOf(tx)`insert into item (id) values (1)`)
      const child = new Elsewhere(fixture, 'hold')
      assert.equal(await child.says(), 'inside')
      assert.deepEqual(await itemIds(store), [1], 'readers do not wait for a writer')
      await child.kill()
      await store.write((tx) => sqlOf(tx)`insert into item (id) values (2)`)
      assert.deepEqual(await itemIds(store), [1, 2])
    }))

  test('kill -9 after a commit keeps it', () =>
    onStore(make, async (store, fixture) => {
      const before = await store.version()
      const child = new Elsewhere(fixture, 'commit')
      assert.equal(await child.says(), 'committed')
      await child.kill()
      assert.deepEqual(await itemIds(store), [100])
      assert.notEqual(await store.version(), before)
    }))

  test('a write waits for the one that another process is at, or goes on beside it and sees nothing of it', () =>
    onStore(make, async (store, fixture) => {
      const child = new Elsewhere(fixture, 'hold')
      assert.equal(await child.says(), 'inside')
      const write = store.write((tx) => sqlOf(tx)`select id from item`)
      await itemIds(store)
      if (fixture.writers === 'several') assert.deepEqual(await write, [])
      child.goOn()
      if (fixture.writers !== 'several') assert.deepEqual(await write, [{ id: 100 }])
      await child.ended()
      assert.deepEqual(await itemIds(store), [100])
    }))

  test('a write that must be alone begins when those of other processes are done, and holds up the next', () =>
    onStore(make, async (store, fixture) => {
      const child = new Elsewhere(fixture, 'hold')
      assert.equal(await child.says(), 'inside')
      const alone = store.write((tx) => sqlOf(tx)`update item set n = 1 returning id`, 'alone')
      await itemIds(store)
      child.goOn()
      assert.deepEqual(await alone, [{ id: 100 }])
      await child.ended()
    }))

  test('an opener with a new migration waits for the writer at work', () =>
    onFixture(make, async (fixture) => {
      const writer = new Elsewhere(fixture, 'hold')
      assert.equal(await writer.says(), 'inside')
      const more = { number: 2, name: 'more', sql: 'create table more (id integer)', additive: true }
      const opening = fixture.open({ migrations: [items, more] })
      // Opens without a migration of its own, which nobody holds up; by then the first opener is waiting.
      const bystander = new Elsewhere(fixture, 'open')
      await bystander.says()
      await bystander.ended()
      writer.goOn()
      const store = await opening
      assert.deepEqual(await itemIds(store), [100])
      assert.deepEqual(await store.read((tx) => sqlOf(tx)`select * from more`), [])
      await store.close()
      await writer.ended()
    }))
}

/** A child process that runs `child.ts` on the fixture's store. */
export class Elsewhere {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #exit: Promise<unknown>

  constructor(fixture: StoreFixture, action: 'open' | 'hold' | 'commit') {
    const program = fileURLToPath(import.meta.url).replace(/processes(\.\w+)$/, 'child$1')
    const { module, location } = fixture.elsewhere
    this.process = spawn(process.execPath, ['--no-warnings', program, module, location, action], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#exit = once(this.process, 'exit')
    this.#lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  /** Its next line. */
  async says(): Promise<string | undefined> {
    const line = await this.#lines.next()
    return line.done ? undefined : line.value
  }

  goOn(): void {
    this.process.stdin?.end()
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.#exit
  }

  async ended(): Promise<void> {
    this.goOn()
    await this.#exit
  }
}
