import { service } from 'skerry'
import { Retail } from '../retail/contract.ts'
import { logIn, register, view, whoIs } from './calls/accounts.ts'
import { Users } from './contract.ts'
import { registerOnFirstSight } from './register.ts'

export const users = service(Users, { migrations: new URL('./migrations/', import.meta.url) })

// The only place where order matters: who comes first decides which country is written down. So the events of one
// customer are handled in the order of the file, and those of any two customers in whatever order they come.
users
  .subscribe('registration', { from: 'start', order: 'key' })
  .on(Retail.sold, registerOnFirstSight)
  .on(Retail.cancelled, registerOnFirstSight)
  .on(Retail.adjusted, registerOnFirstSight)

users
  .serve(Users.register, register, { dependsOn: [[Users.register, 'whoever comes first has the name']] })
  .serve(Users.logIn, logIn, { dependsOn: [[Users.register, 'nobody logs in who has not registered yet']] })
  .serve(Users.whoIs, whoIs)
  .serve(Users.view, view)
