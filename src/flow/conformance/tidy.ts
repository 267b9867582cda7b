import assert from 'node:assert/strict'
import type { StreamStatus } from '../../bus/bus.ts'
import type { AnyService } from '../../service.ts'
import type { Store } from '../../store/store.ts'

/**
 * What must be true of every store once its services have settled and stopped: nothing of it depends on what the
 * services did.
 */
export async function tidy(store: Store, streams: readonly StreamStatus[], service: AnyService): Promise<void> {
  const rows = (text: string): Promise<Record<string, unknown>[]> => store.read((tx) => tx.all(text))
  const none = async (what: string, text: string): Promise<void> => assert.deepEqual(await rows(text), [], what)

  await none('no event is under way', `select * from skerry_exception where state in ('open', 'retry')`)
  await none('the bus has all that was emitted', 'select first, count from skerry_outbox')
  await none('no event is marked as running alone', 'select * from skerry_journal')
  await none('nobody serves lanes any more', 'select * from skerry_share where owner is not null or clean = 0')
  await none('this process is not listed', `select id from skerry_member where pid = ${process.pid}`)
  await none(
    'a key waits only for a reason',
    `select * from skerry_waiting as w
     where not (state = 'parked' and exists (
         select 1 from skerry_dead as d where d.subscription = w.subscription and d.stream = w.stream and d.key = w.key))
       and not (state = 'blocked' and exists (
         select 1 from skerry_exception as e
         where e.subscription = w.subscription and e.stream = w.stream and e.key = w.key and e.state = 'unknown_version'))`,
  )
  for (const { subscription, stream, next } of await rows('select subscription, stream, next from skerry_position')) {
    if (!service.subscriptions.has(String(subscription).slice(service.name.length + 1))) continue
    const end = streams.find((one) => one.stream === stream)?.next ?? 0
    assert.ok(Number(next) >= end, `${subscription} is at ${next} of ${stream}, which ends at ${end}`)
  }
}
