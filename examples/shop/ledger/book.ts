import type { HandleContext } from 'skerry'

interface Booking {
  readonly customer: string | null
  /** `2010-12-01 08:26:00`; its day is what counts. */
  readonly at: string
  readonly lines: readonly { readonly line: string; readonly value: number }[]
}

/** Adds lines to the books. All of it is addition, or noting that something was seen: order cannot matter. */
export async function book(
  tx: HandleContext<'ledger'>,
  kind: 'order' | 'cancellation',
  document: string,
  { customer, at, lines }: Booking,
): Promise<void> {
  const day = at.slice(0, 10)
  await tx.sql`
    insert into day_document (day, document, kind) values (${day}, ${document}, ${kind}) on conflict do nothing`
  for (const { line, value } of lines) {
    await tx.sql`insert into entry (line, document, value) values (${line}, ${document}, ${value})`
    await tx.sql`
      insert into day (day, lines, value) values (${day}, 1, ${value})
      on conflict (day) do update set lines = day.lines + 1, value = day.value + excluded.value`
    if (customer !== null)
      await tx.sql`
        insert into customer (id, value) values (${customer}, ${value})
        on conflict (id) do update set value = customer.value + excluded.value`
  }
}
