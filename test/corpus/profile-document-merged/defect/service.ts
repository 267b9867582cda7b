import { service, type TwoSteps } from 'skerry'
import { Account, Profiles } from '../contract.ts'

const sql = 'create table profile (account text primary key, document text not null)'

export const profiles = service(Profiles, { migrations: [{ number: 1, name: 'profile', additive: true, sql }] })

interface Profile {
  readonly address?: string
  readonly name?: string
  readonly phone?: string
}

function set(field: keyof Profile): TwoSteps<'profiles', { account: string; value: string }, Profile> {
  return {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ document: string }>`select document from profile where account = ${data.account}`
      return row ? JSON.parse(row.document) : {}
    },
    handle: async (tx, { data }, before) => {
      const changed: Profile = { ...before, [field]: data.value }
      const { address = '', name = '', phone = '' } = changed
      await tx.sql`
        insert or replace into profile (account, document) values (${data.account}, ${{ address, name, phone }})`
    },
  }
}

profiles
  .subscribe('profiles', { from: 'start' })
  .on(Account.renamed, set('name'))
  .on(Account.movedTo, set('address'))
  .on(Account.gotPhone, set('phone'))
