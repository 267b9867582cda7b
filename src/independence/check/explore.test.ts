import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { explore, type Model } from './explore.ts'

describe('steps that always touch the same', () => {
  /** One step a thread; each writes the edges that it is on. */
  const model = (
    edges: readonly (readonly [number, number])[],
    threads: number,
  ): Model<ReadonlySet<string>, number[]> => {
    let done: number[] = []
    return {
      enabled: () => [...Array(threads).keys()].filter((n) => !done.includes(n)).map(String),
      choices: () => [''],
      step: async (thread) => {
        done = [...done, Number(thread)]
        return new Set(edges.filter((edge) => edge.includes(Number(thread))).map(String))
      },
      mark: () => done,
      back: (mark) => {
        done = mark
      },
    }
  }
  const meets = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((edge) => b.has(edge))

  /** Ways to direct all edges without a circle. */
  const orientations = (edges: readonly (readonly [number, number])[], threads: number): number => {
    let count = 0
    for (let bits = 0; bits < 2 ** edges.length; bits++) {
      const directed = edges.map(([a, b], i) => ((bits >> i) & 1 ? ([a, b] as const) : ([b, a] as const)))
      let left = [...Array(threads).keys()]
      for (let again = true; again; ) {
        const free = left.filter((n) => !directed.some(([from, to]) => to === n && left.includes(from)))
        left = left.filter((n) => !free.includes(n))
        again = free.length > 0
      }
      if (left.length === 0) count++
    }
    return count
  }

  test('are run once for each acyclic orientation of what meets what', async () => {
    const random = seededRandom('graphs')
    for (let n = 0; n < 60; n++) {
      const threads = 2 + Math.floor(random() * 5)
      const all = [...Array(threads).keys()].flatMap((a) => [...Array(a).keys()].map((b) => [b, a] as const))
      const edges = all.filter(() => random() < 0.45).slice(0, 9)
      const common = { meets, ended: () => true, most: 1e6 }
      const { complete } = await explore(model(edges, threads), { ...common, orders: 'reduced' })
      assert.equal(complete, orientations(edges, threads), JSON.stringify(edges))
    }
  })
})
