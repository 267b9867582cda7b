import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { voucher: ['v1'], basket: ['b1', 'b2', 'b3', 'b4', 'b5'] },
  invariants: { vouchers: { limit: 'select voucher from redemption group by voucher having count(*) > 2' } },
  dependsOn: [
    { service: 'vouchers', type: 'checkout.redeemed', on: 'checkout.redeemed', why: 'the limit is scarce' },
    { service: 'vouchers', type: 'checkout.redeemed', on: 'checkout.returned', why: 'a return makes room' },
  ],
}
