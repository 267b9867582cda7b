import { check } from 'skerry/independence'
import { Orders } from './orders/contract.ts'
import { services } from './services.ts'

/** For `skerry check examples/shop`: what is outside of the shop, as the users service has it, and who is logged in. */
export default check(services, {
  outside: {
    hash: ({ data }) => `hash of ${(data as { password: string }).password}`,
    match: () => true,
    secret: () => 'secret',
    'users.whoIs': ({ data }) => ({ customer: `customer with ${(data as { token: string }).token}` }),
  },
  // Few lines, all of which fit what numbers hold.
  generate: [Orders.place, Orders.cancel].map((type) => [
    type,
    (g) => ({
      ...{ token: g.id('token'), cart: g.id('cart') },
      lines: [{ stockCode: g.id('stock'), quantity: g.int(1, 3), unitPrice: g.int(0, 3) }],
    }),
  ]),
})
