import { randomBytes } from 'node:crypto'
import type { CallContext, CallRequest, InputOfCall, PrepareContext, ReadContext } from 'skerry'
import { Users } from '../contract.ts'
import { hashed, matches } from './passwords.ts'
import { lifetimeMs, read, sign } from './tokens.ts'

type Tx = CallContext<'users'>
type Registration = CallRequest<InputOfCall<typeof Users.register>>
type Login = CallRequest<InputOfCall<typeof Users.logIn>>

/** A password is hashed outside of the transaction: it takes long on purpose. Nobody but this step ever has it. */
export const register = {
  prepare: (ctx: PrepareContext, { input }: Registration) => ctx.outside('hash', () => hashed(input.password)),
  async handle(tx: Tx, { input: { email, country } }: Registration, hash: string) {
    const customer = tx.id()
    const firstSeen = tx.now().toISOString().slice(0, 19).replace('T', ' ')
    const { changes } = await tx.sql`
      insert into account (email, customer, hash) values (${nameOf(email)}, ${customer}, ${hash})
      on conflict (email) do nothing`
    if (changes === 0) throw Users.register.refuse('taken')
    await tx.sql`insert into customer (id, country, first_seen) values (${customer}, ${country}, ${firstSeen})`
    await tx.publish(Users.registered, { customer, country, firstSeen })
    return { customer }
  },
}

interface Entry {
  readonly customer: string
  /** For signing, should there be none yet. */
  readonly secret: string
}

export const logIn = {
  async prepare(ctx: PrepareContext, { input: { email, password } }: Login): Promise<Entry> {
    const [account] = await ctx.sql<{ customer: string; hash: string }>`
      select customer, hash from account where email = ${nameOf(email)}`
    const right = await ctx.outside('match', () => matches(password, account?.hash))
    if (!account || !right) throw Users.logIn.refuse('wrong')
    return {
      customer: account.customer,
      secret: await ctx.outside('secret', async () => randomBytes(32).toString('hex')),
    }
  },
  /** The first of all makes the secret that signs; it never leaves this store. */
  async handle(tx: Tx, _login: Login, { customer, secret }: Entry) {
    await tx.sql`insert into signing (one, secret) values (1, ${secret}) on conflict (one) do nothing`
    const [kept] = await tx.sql<{ secret: string }>`select secret from signing where one = 1`
    return { customer, token: sign(customer, tx.now().getTime() + lifetimeMs, kept?.secret ?? secret) }
  },
}

/** Who stands behind a token; for the other services, which have no secret. */
export async function whoIs(tx: ReadContext, { input }: CallRequest<InputOfCall<typeof Users.whoIs>>) {
  const [signing] = await tx.sql<{ secret: string }>`select secret from signing where one = 1`
  const found = signing ? read(input.token, tx.now().getTime(), signing.secret) : 'forged'
  if (typeof found === 'string') throw Users.whoIs.refuse('loggedOut')
  return found
}

export async function view(tx: ReadContext, { input }: CallRequest<InputOfCall<typeof Users.view>>) {
  const [row] = await tx.sql<{ country: string; first_seen: string }>`
    select country, first_seen from customer where id = ${input.customer}`
  if (!row) throw Users.view.refuse('unknown')
  return { customer: input.customer, country: row.country, firstSeen: row.first_seen }
}

/** One mailbox is one account, however it is written. */
const nameOf = (email: string): string => email.toLowerCase()
