import type { App } from 'skerry'
import { ledger } from './service.ts'

export interface LedgerReport {
  readonly byDay: readonly LedgerDay[]
  readonly byCustomer: ReadonlyMap<string, bigint>
  /** Distinct documents of either kind, and those that cancel. */
  readonly invoices: number
  readonly cancellations: number
  /** Lines booked: each counted as often as it had an effect, and once. */
  readonly facts: number
  readonly lines: number
}

export interface LedgerDay {
  readonly day: string
  readonly orders: number
  readonly cancellations: number
  readonly lines: number
  readonly netValue: bigint
}

export async function report(app: App): Promise<LedgerReport> {
  return app.read(ledger, async (tx) => {
    const days = await tx.sql`
      select day.day as day, day.lines as lines, day.value as value,
        count(case when document.kind = 'order' then 1 end) as orders,
        count(case when document.kind = 'cancellation' then 1 end) as cancellations
      from day join day_document as document on document.day = day.day
      group by day.day, day.lines, day.value`
    const customers = await tx.sql`select id, value from customer`
    const [documents] = await tx.sql`
      select count(distinct document) as all_kinds,
        count(distinct case when kind = 'cancellation' then document end) as cancellations
      from day_document`
    const [facts] = await tx.sql`select count(*) as n, count(distinct line) as lines from entry`
    return {
      byDay: days.map((row) => ({
        day: String(row.day),
        orders: Number(row.orders),
        cancellations: Number(row.cancellations),
        lines: Number(row.lines),
        netValue: whole(row.value),
      })),
      byCustomer: new Map(customers.map((row) => [String(row.id), whole(row.value)])),
      invoices: Number(documents?.all_kinds),
      cancellations: Number(documents?.cancellations),
      facts: Number(facts?.n),
      lines: Number(facts?.lines),
    }
  })
}

/** Cheap enough to ask again and again. */
export async function factsSoFar(app: App): Promise<number> {
  return app.read(ledger, async (tx) => Number((await tx.sql`select count(*) as n from entry`)[0]?.n))
}

/** Sums beyond 2^53 are read as bigint, all others as number. */
function whole(value: unknown): bigint {
  return BigInt(value as number | bigint)
}
