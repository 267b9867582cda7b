import type { App } from 'skerry'
import { type ServiceName, services } from '../services.ts'

/** What a service's subscriptions have come to, as its own store counts it. */
export interface Tally {
  readonly handled: number
  readonly deadLetters: number
}

export async function tally(app: App, name: ServiceName): Promise<Tally> {
  return app.read(services[name], async (tx) => {
    const [handled] = await tx.all<{ n: number | null }>(
      `select sum(value) as n from skerry_counter where name = 'handled'`,
    )
    const [dead] = await tx.all<{ n: number }>('select count(*) as n from skerry_dead')
    return { handled: Number(handled?.n ?? 0), deadLetters: Number(dead?.n) }
  })
}
