import { SkerryError } from '../../errors.ts'
import { firstLine } from '../text.ts'
import { statementsOf, type Token, tokens } from './scan.ts'

const transactionControl = 'Skerry begins and commits; throw to undo'
const connectionControl = 'the connection is Skerry’s'
const schemaChange = 'tables change in migrations only'
const ownTables = 'skerry_ tables are Skerry’s own; use the `skerry` command to look at them'

const endsTransactions = new Set('begin start commit end abort rollback savepoint release prepare'.split(' '))
const changesConnection = new Set(
  'set reset discard listen unlisten notify copy lock load deallocate execute declare fetch move close vacuum cluster checkpoint'.split(
    ' ',
  ),
)
const readsAndWrites = new Set('select insert update delete merge with values table explain'.split(' '))

/** What outlives the transaction, or holds up strangers, though it looks like a read. */
const sessionFunctions =
  /^(set_config|pg_notify|pg_(try_)?advisory_(lock|lock_shared|unlock|unlock_shared|unlock_all)|dblink\w*)$/

/**
 * PostgreSQL has no authorizer to ask: handlers' statements are judged by their words. It keeps people from accidents; whoever
 * wants to get around it can, with a function of their own.
 */
export function guardHandler(text: string, found: readonly Token[]): void {
  const verb = verbOf(found)
  if (endsTransactions.has(verb)) refuse(transactionControl, text)
  if (changesConnection.has(verb)) refuse(connectionControl, text)
  if (!readsAndWrites.has(verb)) refuse(schemaChange, text)
  let before = ''
  for (const token of found) {
    const word = wordOf(token)
    // `select … into` makes a table.
    if (word === 'into' && before !== 'insert' && before !== 'merge') refuse(schemaChange, text)
    if (sessionFunctions.test(word)) refuse(connectionControl, text)
    if (isOurs(token)) refuse(ownTables, text)
    if (word !== '') before = word
  }
}

/** Migrations may do anything but end their transaction, change the connection or touch Skerry's tables. */
export function guardMigration(script: string): void {
  for (const statement of statementsOf(script)) {
    const verb = verbOf(statement)
    const text = statement.map((token) => token.text).join(' ')
    if (endsTransactions.has(verb)) refuse(transactionControl, text)
    if (changesConnection.has(verb)) refuse(connectionControl, text)
    for (const token of statement) {
      // The body of a function is a text of its own.
      const inside = token.kind === 'literal' && token.text.startsWith('$') ? tokens(token.text.slice(1)) : []
      if (isOurs(token) || inside.some(isOurs)) refuse(ownTables, text)
    }
  }
}

function verbOf(found: readonly Token[]): string {
  return found.map(wordOf).find((word) => word !== '') ?? ''
}

const wordOf = (token: Token): string => (token.kind === 'word' ? token.text.toLowerCase() : '')

function isOurs(token: Token): boolean {
  if (token.kind === 'word') return token.text.toLowerCase().startsWith('skerry_')
  return token.kind === 'name' && token.text.startsWith('"skerry_')
}

function refuse(reason: string, text: string): never {
  throw new SkerryError('statement_refused', `refused: ${reason} (statement: ${firstLine(text)})`)
}
