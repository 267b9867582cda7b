import type { AnyCall } from '../../call.ts'
import { info } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import type { Callee } from './callee.ts'
import { type InputPlan, planInput } from './input.ts'
import { Paths } from './paths.ts'
import { type Problem, problem } from './problem.ts'

/** One call that is served, and where its input is. */
export interface Served {
  readonly callee: Callee
  readonly type: AnyCall
  readonly plan: InputPlan
}

/** What a server answers, by method and path; `undefined` stands for what is its own. */
export type CallTable = Paths<Served | undefined>

/** All calls, beside the paths that the server has itself. Throws `invalid_config` naming two of the same route. */
export function tableOf(
  callees: readonly Callee[],
  own: readonly string[] = [],
): CallTable & { all: readonly Served[] } {
  const labels = new Paths<string>()
  const table = Object.assign(new Paths<Served | undefined>(), { all: [] as Served[] })
  for (const path of own) {
    labels.add('GET', path, 'the server itself')
    table.add('GET', path, undefined)
  }
  for (const callee of callees)
    for (const type of callee.contract[info].calls.values()) {
      const other = labels.add(type.method, type.path, type.label)
      if (other !== undefined)
        throw new SkerryError(
          'invalid_config',
          `${type.method} ${type.path}: both ${other} and ${type.label} have this route`,
        )
      const served = { callee, type, plan: planInput(type) }
      table.add(type.method, type.path, served)
      table.all.push(served)
    }
  return table
}

/** Why there is nothing: because of the path, or of the method alone; then with the methods that there are. */
export function unknownRoute(
  table: CallTable,
  method: string,
  path: string,
): { readonly problem: Problem; readonly allowed: readonly string[] } {
  const allowed = table.methods(path)
  if (allowed.length === 0)
    return { problem: problem(404, 'not_found', `no call has the path ${path.slice(0, 200)}`), allowed }
  return { problem: problem(405, 'method_not_allowed', `${method} is not for this path`), allowed }
}
