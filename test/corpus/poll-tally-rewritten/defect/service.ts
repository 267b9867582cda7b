import { service, type TwoSteps } from 'skerry'
import { Booth, Polls } from '../contract.ts'

const sql = `create table tally (poll text primary key, numbers text not null);
  create table slip (event text primary key, poll text not null, n integer not null);
  create view poll as select poll as id, numbers ->> 'yes' as yes, numbers ->> 'no' as no from tally`

export const polls = service(Polls, { migrations: [{ number: 1, name: 'tally', additive: true, sql }] })

interface Tally {
  readonly yes: number
  readonly no: number
}

interface Vote {
  readonly poll: string
  readonly was?: 'yes' | 'no'
}

function vote(by: 1 | -1, option?: 'yes' | 'no'): TwoSteps<'polls', Vote, Tally> {
  return {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ numbers: string }>`select numbers from tally where poll = ${data.poll}`
      return row ? JSON.parse(row.numbers) : { yes: 0, no: 0 }
    },
    handle: async (tx, { id, data }, { yes, no }) => {
      const chosen = option ?? data.was
      const numbers = { yes: yes + (chosen === 'yes' ? by : 0), no: no + (chosen === 'no' ? by : 0) }
      await tx.sql`insert into slip (event, poll, n) values (${id}, ${data.poll}, ${by})`
      await tx.sql`insert or replace into tally (poll, numbers) values (${data.poll}, ${numbers})`
    },
  }
}

polls
  .subscribe('tallies', { from: 'start' })
  .on(Booth.yes, vote(1, 'yes'))
  .on(Booth.no, vote(1, 'no'))
  .on(Booth.takenBack, vote(-1))
