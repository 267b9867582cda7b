import type { CallRequest, InputOfCall, ReadContext } from 'skerry'
import type { Inventory } from '../contract.ts'

export async function stock(tx: ReadContext, { input }: CallRequest<InputOfCall<typeof Inventory.stock>>) {
  const { stockCode } = input
  const [row] = await tx.sql`select adjusted - sold as quantity from stock where stock_code = ${stockCode}`
  return { stockCode, onHand: Number(row?.quantity ?? 0) }
}
