import type { Checks } from '../checks.ts'

export const checks: Checks = {
  once: { 'calendar.asked': 'key', 'calendar.calledOff': 'key' },
  leaves: { meeting: ['m1', 'm2', 'm3', 'm4', 'm5'], room: ['r1'] },
  invariants: {
    rooms: {
      apart: `select 1 from booking as a join booking as b on a.room = b.room and a.meeting < b.meeting
        where a.hour < b.until and b.hour < a.until`,
    },
  },
  dependsOn: [
    { service: 'rooms', type: 'calendar.asked', on: 'calendar.asked', why: 'first come, first served' },
    { service: 'rooms', type: 'calendar.asked', on: 'calendar.calledOff', why: 'hours called off are free' },
  ],
}
