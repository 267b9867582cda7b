import { contract, event } from 'skerry'
import { z } from 'zod'

const meeting = z.string()

export const Calendar = contract('calendar', {
  events: {
    asked: event({
      data: z.object({ meeting, room: z.string(), hour: z.int().min(9), hours: z.int().min(1).max(2) }),
      key: (d) => d.meeting,
    }),
    calledOff: event({ data: z.object({ meeting }), key: (d) => d.meeting }),
  },
})

const Meeting = z.object({ meeting })

export const Rooms = contract('rooms', {
  events: {
    booked: event({ data: Meeting, key: (d) => d.meeting }),
    refused: event({ data: Meeting, key: (d) => d.meeting }),
  },
})

export const sql = `create table booking (meeting text primary key, room text not null, hour integer not null,
  until integer not null)`
