import type { App } from 'skerry'
import { queries, type Report, type ServiceName } from '../services.ts'
import { type Tally, tally } from './tally.ts'

/** What can be asked of a running service, in this process or in another. */
export interface Answers<S extends ServiceName = ServiceName> {
  /** How many facts had an effect: cheap enough to ask again and again. */
  readonly factsSoFar: number
  readonly report: Report<S>
  readonly tally: Tally
  /** Answers once there is nothing left to do. */
  readonly atRest: true
}
export type Question = keyof Answers

export async function answer(app: App, service: ServiceName, question: Question): Promise<Answers[Question]> {
  if (question === 'atRest') return app.settled().then(() => true)
  if (question === 'tally') return tally(app, service)
  return queries[service][question](app)
}
