import { contract, event } from 'skerry'
import { z } from 'zod'

const Member = z.object({ member: z.string() })

export const Members = contract('members', {
  events: {
    joined: event({ data: Member, key: (d) => d.member }),
    renewed: event({ data: Member, key: (d) => d.member }),
    left: event({ data: Member, key: (d) => d.member }),
  },
})

export const Mailer = contract('mailer', { events: {} })

export const sql =
  'create table mail (event text primary key, member text not null, text text not null, receipt text not null)'

/** Stands for a mail server's client. */
export async function send(to: string, text: string, key?: string): Promise<string> {
  return `${text} to ${to} ${key ?? ''}`
}
