// Fills a store until the system refuses to write; run by `full.test.ts`. Says how each transaction ended.
import { codeOf } from '../../errors.ts'
import { systemClock } from '../../time.ts'
import { openSqliteStore } from './open.ts'

const store = await openSqliteStore({ file: process.argv[2] ?? '', clock: systemClock })
for (let n = 0; n < 10; n++) {
  const write = store.write((tx) => tx.run('insert into skerry_meta values (?, ?)', `${n}`, `${n}`.repeat(200_000)))
  const outcome = await write.then(() => 'committed', codeOf)
  process.stdout.write(`${outcome}\n`)
}
await store.close()
