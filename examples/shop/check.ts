import { check } from 'skerry/independence'
import { services } from './services.ts'

/** For `skerry check examples/shop`: what is outside of the shop, as the users service has it, and who is logged in. */
export default check(services, {
  outside: {
    hash: ({ data }) => `hash of ${(data as { password: string }).password}`,
    match: () => true,
    secret: () => 'secret',
    'users.whoIs': ({ data }) => ({ customer: `customer with ${(data as { token: string }).token}` }),
  },
})
