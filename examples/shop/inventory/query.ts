import type { App } from 'skerry'
import { inventory } from './service.ts'

/** Below zero when more was sold than ever came in: the data knows no opening stock. */
export async function onHand(app: App, stockCode: string): Promise<number> {
  return app.read(inventory, async (tx) => {
    const [row] = await tx.sql`select adjusted - sold as quantity from stock where stock_code = ${stockCode}`
    return Number(row?.quantity ?? 0)
  })
}

export interface InventoryReport {
  /** Σ Quantity of all rows of a stock code: sold, less cancelled, and whatever was adjusted. */
  readonly byStockCode: ReadonlyMap<string, bigint>
  readonly adjustments: number
  /** Movements: each counted as often as it had an effect, and once. */
  readonly facts: number
  readonly lines: number
}

export async function report(app: App): Promise<InventoryReport> {
  return app.read(inventory, async (tx) => {
    const stock = await tx.sql`select stock_code, sold + adjusted as quantity from stock`
    const [adjusted] = await tx.sql`select count(*) as n from movement where kind = 'adjusted'`
    const [facts] = await tx.sql`select count(*) as n, count(distinct line) as lines from movement`
    return {
      byStockCode: new Map(stock.map((row) => [String(row.stock_code), BigInt(row.quantity as number | bigint)])),
      adjustments: Number(adjusted?.n),
      facts: Number(facts?.n),
      lines: Number(facts?.lines),
    }
  })
}

/** Cheap enough to ask again and again. */
export async function factsSoFar(app: App): Promise<number> {
  return app.read(inventory, async (tx) => Number((await tx.sql`select count(*) as n from movement`)[0]?.n))
}
