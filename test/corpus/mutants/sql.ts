export type Operator =
  | 'guard dropped'
  | 'upsert to insert'
  | 'addition to assignment'
  | 'key changed'
  | 'tombstone left out'

export interface Changed {
  readonly operator: Operator
  readonly text: string
}

/** Every change of one statement, in a fixed order. Parameters are marks of the form §n§. */
export function mutateSql(sql: string): Changed[] {
  const all: (Changed | undefined)[] = [
    replaced(
      'guard dropped',
      sql,
      /(on conflict[\s\S]*?do update set[\s\S]*?)\swhere\s[\s\S]*?(?=\sreturning\s|$)/,
      '$1',
    ),
    replaced(
      'guard dropped',
      sql,
      /^(\s*insert into[\s\S]*?\sselect\s[\s\S]*?)\swhere\s[\s\S]*?(?=\son conflict|$)/,
      '$1 where true',
    ),
    ...each('guard dropped', sql, /\sand\s+(?:exists|not exists)\s*\([\s\S]*\)(?=\s*$)/g, ''),
    ...each('guard dropped', sql, /\sand\s+[a-z_.]+\s*(?:<>|[<>]=?|=)\s*[^\s()]+/g, ''),
    replaced('upsert to insert', sql, /\son conflict[\s\S]*?(?=\sreturning\s|$)/, ''),
    replaced('upsert to insert', sql, /insert or replace/, 'insert'),
    ...each('addition to assignment', sql, /= [a-z_]+\.[a-z_]+ [+-] (excluded\.[a-z_]+)/g, '= $1'),
    ...each('addition to assignment', sql, /= max\([a-z_.]+, (excluded\.[a-z_]+)\)/g, '= $1'),
    ...each('addition to assignment', sql, /\b([a-z_]+) = \1 [+-] (§\d+§|\d+)/g, '$1 = $2'),
    replaced('key changed', sql, /\swhere [a-z_.]+ = §\d+§/, ' where true'),
    tombstone(sql),
  ]
  return all.filter((one) => one !== undefined)
}

function replaced(operator: Operator, sql: string, what: RegExp, by: string): Changed | undefined {
  const text = sql.replace(what, by)
  return text === sql ? undefined : { operator, text }
}

/** One mutant for each place, not one for all. */
function each(operator: Operator, sql: string, what: RegExp, by: string): Changed[] {
  return [...sql.matchAll(what)].map((found) => {
    const once = new RegExp(what.source, what.flags.replace('g', ''))
    const after = sql.slice(found.index).replace(once, by)
    return { operator, text: sql.slice(0, found.index) + after }
  })
}

/** An upsert that no longer makes a row which is not there: what comes before it knows of is lost. */
function tombstone(sql: string): Changed | undefined {
  const found =
    /insert into ([a-z_]+) \(([^)]*)\)\s+values \(([^()]*)\)\s+(on conflict \(([^)]*)\) do update[\s\S]*)/.exec(sql)
  if (!found) return undefined
  const [whole, table, columns = '', values = '', conflict, keys = ''] = found
  const list = (text: string): string[] => text.split(',').map((one) => one.trim())
  const given = (column: string): string | undefined => list(values)[list(columns).indexOf(column)]
  const same = list(keys).map((key) => `${key} = ${given(key)}`)
  const text = `insert into ${table} (${columns}) select ${values}
      where exists (select 1 from ${table} where ${same.join(' and ')}) ${conflict}`
  return { operator: 'tombstone left out', text: sql.replace(whole, () => text) }
}
