import type { Checks } from '../checks.ts'

export const checks: Checks = {
  leaves: { seat: ['1A', '1B'] },
  invariants: { seats: { one: 'select seat from booking group by seat having count(*) > 1' } },
  dependsOn: [
    { service: 'seats', type: 'boxoffice.asked', on: 'boxoffice.asked', why: 'first come, first served' },
    { service: 'seats', type: 'boxoffice.asked', on: 'boxoffice.givenBack', why: 'a seat given back is free' },
  ],
}
