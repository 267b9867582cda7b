import { contract, event } from 'skerry'
import { z } from 'zod'

const Job = z.object({ job: z.string() })

export const Client = contract('client', { events: { submitted: event({ data: Job, key: (d) => d.job }) } })

export const Worker = contract('worker', {
  events: { done: event({ data: Job, key: (d) => d.job }), failed: event({ data: Job, key: (d) => d.job }) },
})

export const Scheduler = contract('scheduler', { events: { assigned: event({ data: Job, key: (d) => d.job }) } })
