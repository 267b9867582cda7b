import { onPostgres, superuser } from '../engines.ts'
import { moments } from '../plan.ts'
import type { Fault } from '../scene.ts'

export const backendsTerminated: Fault = {
  name: 'terminate',
  about: 'backends of PostgreSQL are terminated, one or all of them, ten times',
  on: (engine, store) => engine === 'postgres' || store === 'postgres',
  async strike({ month, broker, database, random, struck, recovers }) {
    const { port } = database ?? broker
    for (const at of moments(random, 10)) {
      await month.reaches(at)
      const limit = random() < 0.5 ? 'limit 1' : ''
      const ended = await onPostgres(superuser(port), (client) =>
        client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name like 'skerry%'
           order by md5(pid::text) ${limit}`,
        ),
      )
      if ((ended.rowCount ?? 0) > 0) struck()
      await recovers()
    }
  },
}

export const databaseKilled: Fault = {
  name: 'store-kill',
  about: "the stores' PostgreSQL is killed with kill -9 and started again, three times",
  on: (engine, store) => store === 'postgres' && engine !== 'postgres',
  async strike({ month, database, random, struck, recovers }) {
    for (const at of moments(random, 3)) {
      await month.reaches(at)
      await database?.kill()
      await database?.start()
      struck()
      await recovers()
    }
  },
}

export const serialization: Fault = {
  name: 'serialization',
  about: 'two more processes handle the same rows of PostgreSQL, so that transactions fail to serialize',
  on: (_engine, store) => store === 'postgres',
  async strike({ month, books, random, struck, recovers }) {
    const [join = 0, ...looks] = moments(random, 4)
    await month.reaches(join)
    const joined = [await month.join(['orders', 'inventory']), await month.join(['orders', 'inventory', 'ledger'])]
    await recovers()
    for (const at of looks) {
      await month.reaches(at)
      if ((await books.conflicts()) > 0) struck()
    }
    for (const one of joined) one.kill('SIGTERM')
    await Promise.all(joined.map(({ ended }) => ended))
  },
}
