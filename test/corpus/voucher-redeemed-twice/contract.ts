import { contract, event } from 'skerry'
import { z } from 'zod'

const Use = z.object({ voucher: z.string(), basket: z.string() })

export const Checkout = contract('checkout', {
  events: {
    redeemed: event({ data: Use, key: (d) => d.voucher }),
    returned: event({ data: Use, key: (d) => d.voucher }),
  },
})

export const Vouchers = contract('vouchers', {
  events: { accepted: event({ data: Use, key: (d) => d.basket }), refused: event({ data: Use, key: (d) => d.basket }) },
})

export const sql = 'create table redemption (voucher text, basket text, primary key (voucher, basket))'
