import { contract } from 'skerry'

/** Says nothing to anybody: its tables are there to be read. */
export const Ledger = contract('ledger', { events: {} })
