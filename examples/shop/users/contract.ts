import { call, contract, event } from 'skerry'
import { z } from 'zod'

const customer = z.string()
const password = z.string().min(8).max(200)

export const Users = contract('users', {
  events: {
    /** Once for each customer, when first seen. */
    registered: event({
      data: z.object({ customer, country: z.string(), firstSeen: z.string() }),
      key: (d) => d.customer,
    }),
  },
  calls: {
    register: call({
      http: 'POST /users',
      input: z.object({ email: z.email(), password, country: z.string().min(1) }),
      output: z.object({ customer }),
      errors: { taken: {} },
    }),
    /** The token says who is logged in, and is signed. */
    logIn: call({
      http: 'POST /sessions',
      input: z.object({ email: z.email(), password }),
      output: z.object({ customer, token: z.string() }),
      errors: { wrong: { status: 401 } },
      idempotent: true,
    }),
    whoIs: call({
      http: 'POST /sessions/owner',
      input: z.object({ token: z.string() }),
      output: z.object({ customer }),
      errors: { loggedOut: { status: 401 } },
      readOnly: true,
    }),
    view: call({
      http: 'GET /users/{customer}',
      input: z.object({ customer }),
      output: z.object({ customer, country: z.string(), firstSeen: z.string() }),
      errors: { unknown: { status: 404 } },
    }),
  },
})
