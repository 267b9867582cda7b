import { seededRandom } from '../../src/ids.ts'
import { type Exploring, explore } from '../../src/independence/check/explore.ts'
import { Flow } from '../../src/independence/check/flow.ts'
import { type Footprint, meeting } from '../../src/independence/check/footprint.ts'
import { look, opaque, textOf } from '../../src/independence/check/observed.ts'
import { Whole } from '../../src/independence/check/whole.ts'
import { World } from '../../src/independence/check/world.ts'
import { interpreter, type Program, program } from './programs.ts'

export interface Compared {
  readonly programs: number
  /** Orders that there are, and those that were run where only what can matter is. */
  readonly all: number
  readonly reduced: number
  /** Different ends, of all programs. */
  readonly endings: number
  /** Programs of which the two come to different ends, as JSON of their events. */
  readonly apart: readonly string[]
}

/** Runs programs made by the seed in every order, and in those that the reduction leaves. */
export async function compareOrders(
  programs: number,
  seed: string,
  onDone = (_: number): void => {},
): Promise<Compared> {
  const world = await World.open([interpreter()])
  try {
    const flow = new Flow(world)
    const random = seededRandom(seed)
    const totals = { all: 0, reduced: 0, endings: 0 }
    const apart: string[] = []
    for (let number = 0; number < programs; number++) {
      const one = program(random, number)
      const all = await endingsOf(flow, one, 'all')
      const reduced = await endingsOf(flow, one, 'reduced')
      totals.all += all.complete
      totals.reduced += reduced.complete
      totals.endings += all.found.size
      if (all.found.symmetricDifference(reduced.found).size > 0)
        apart.push(JSON.stringify(one.events.map(({ record }) => [record.type, record.data])))
      onDone(number + 1)
    }
    return { programs, ...totals, apart }
  } finally {
    world.close()
  }
}

async function endingsOf(flow: Flow, { events, twice, crashes }: Program, orders: Exploring<Footprint>['orders']) {
  const start = flow.mark()
  for (const one of events) flow.publish(one)
  if (twice && flow.course.pending[0]) flow.duplicate(flow.course.pending[0])
  const found = new Set<string>()
  const ended = (): boolean => {
    found.add(textOf(look(flow.world, flow.course, opaque([]))))
    return true
  }
  const meets = (a: Footprint, b: Footprint): boolean => meeting(a, b) !== undefined
  const { complete } = await explore(new Whole(flow, crashes), { meets, ended, orders, most: 1e6 })
  flow.back(start)
  flow.course = { ...flow.course, settled: new Map() }
  return { found, complete }
}
