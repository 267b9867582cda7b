import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Checks } from '../checks.ts'
import { checksOf, programs } from '../expected.ts'
import { type Mutant, mutate } from './mutate.ts'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A set of services that holds together: a correct form, or the shop. Files are named from the root. */
export interface Original {
  readonly name: string
  readonly files: readonly string[]
  readonly services: readonly string[]
  readonly checks: Checks
}

export interface Placed extends Mutant {
  /** The same for the same sources: `name:place:number`. */
  readonly id: string
  readonly original: Original
  readonly file: string
}

export async function originals(): Promise<Original[]> {
  const found: Original[] = []
  for (const { name, folder } of programs()) {
    const inRoot = relative(root, folder)
    const files = globSync(['contract.ts', 'correct/*.ts'], { cwd: folder }).sort()
    const named = files.map((file) => join(inRoot, file))
    found.push({ name, files: named, services: [join(inRoot, 'correct/service.ts')], checks: await checksOf(folder) })
  }
  const shop = globSync('examples/shop/{carts,orders,inventory,ledger,users,retail,shopper}/**/*.{ts,sql}', {
    cwd: root,
  })
  const files = shop.filter((file) => !file.endsWith('.test.ts')).sort()
  const services = files.filter((file) => file.endsWith('/service.ts'))
  found.push({ name: 'shop', files, services, checks: shopChecks })
  return found
}

/** Rows are numbered by where they stand in the file: none is told twice. */
const shopChecks: Checks = {
  once: { 'retail.sold': ['row'], 'retail.cancelled': ['row'], 'retail.adjusted': ['row'] },
  leaves: { row: [1, 2, 3, 4, 5, 6, 7, 8], at: ['2010-12-01 08:26:00', '2010-12-02 09:00:00'] },
}

/** What runs in the shop's services; the rest reads files, prints, asks and answers. */
const ofHandlers = /^examples\/shop\/(carts|orders|inventory|ledger|users)\/(?!query|calls\/)/

/** Every mutant of an original, in the order of files and places. */
export function mutantsOf(original: Original): Placed[] {
  return original.files
    .filter((file) => file.endsWith('.ts') && (original.name !== 'shop' || ofHandlers.test(file)))
    .flatMap((file) =>
      mutate(readFileSync(join(root, file), 'utf8')).map((mutant, at) => ({
        ...mutant,
        ...{ original, file, id: `${original.name}:${dirname(file).split('/').at(-1)}:${at + 1}` },
      })),
    )
}
