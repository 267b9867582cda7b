import type { HandleContext, ReceivedEvent } from 'skerry'

interface Lines {
  readonly lines: readonly { readonly line: string; readonly stockCode: string; readonly quantity: number }[]
}

/** Lines that were placed or cancelled: the latter bring their quantity back, being negative. Stock may go below zero. */
export async function countSold(tx: HandleContext<'inventory'>, { data }: ReceivedEvent<Lines>): Promise<void> {
  for (const { line, stockCode, quantity } of data.lines) {
    await tx.sql`
      insert into movement (line, kind, stock_code, quantity) values (${line}, 'sold', ${stockCode}, ${quantity})`
    await tx.sql`
      insert into stock (stock_code, sold, adjusted) values (${stockCode}, ${quantity}, 0)
      on conflict (stock_code) do update set sold = stock.sold + excluded.sold`
  }
}
