import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { judge, servicesOf } from './brute/judge.ts'
import { handledBy } from './brute/world.ts'
import {
  type Cell,
  cellsOf,
  checksOf,
  type Form,
  forms,
  type Level,
  levels,
  type Program,
  programs,
} from './expected.ts'

// Every expected verdict against brute force: real handlers, real statements, every order, no cleverness. The corpus is written
// before the checker; this is what may correct it.

/** Trials in which nothing may be found, and trials within which something must be. */
const effort = { independent: 40, dependent: 600 }
const floor = { programs: 40, positives: 40 }

const all = programs()

describe('every expected verdict is what brute force finds', () => {
  for (const program of all)
    for (const form of forms)
      test(`${program.name}, ${form}`, async () => {
        const checks = await checksOf(program.folder)
        const services = await servicesOf(join(program.folder, form, 'service.ts'))
        const wrong: string[] = []
        for (const service of services) {
          const cells = cellsOf(program, form).filter((cell) => cell.service === service.name)
          const trials = (cell: Cell) => (cell.verdict === 'independent' ? effort.independent : effort.dependent)
          for (const [cell, { found, trials: had }] of await judge(service, checks, cells, trials)) {
            if (cell.verdict === 'independent' && found) wrong.push(`${print(cell)} broke:\n${found.break}`)
            if (cell.verdict !== 'independent' && !found) wrong.push(`${print(cell)}: nothing in ${had} trials`)
            if (had < effort.independent / 2 && !found) wrong.push(`${print(cell)}: only ${had} trials had such a pair`)
          }
        }
        assert.deepEqual(wrong, [])
      })
})

function print({ service, a, b, level, as, verdict }: Cell): string {
  return `${service}: ${a} × ${b}, ${level} (${as}), expected ${verdict}`
}

describe('the corpus', () => {
  test(`has at least ${floor.programs} programs, each of them whole`, () => {
    assert.ok(all.length >= floor.programs, `${all.length} programs`)
    for (const { name, folder, expected } of all) {
      for (const form of forms) assert.ok(existsSync(join(folder, form, 'service.ts')), `${name} has no ${form}`)
      assert.ok(expected.title && expected.source && expected.defect, `${name} says too little`)
      assert.ok(
        expected.cells.some((cell) => cell.defect === 'dependent'),
        `${name} has no defect`,
      )
    }
  })

  test('names services and events that are there, each cell once', async () => {
    for (const program of all)
      for (const form of forms) {
        const services = await servicesOf(join(program.folder, form, 'service.ts'))
        const seen = new Set<string>()
        for (const cell of cellsOf(program, form)) {
          const service = services.find((one) => one.name === cell.service)
          assert.ok(service, `${program.name}: ${cell.service}`)
          for (const label of [cell.a, cell.b]) assert.ok(handledBy(service).has(label), `${program.name}: ${label}`)
          const name = nameOf(cell)
          assert.ok(!seen.has(name), `${program.name}: twice ${name}`)
          seen.add(name)
        }
      }
  })

  test('declares a dependence where a correct form has one on purpose, and nowhere else', async () => {
    for (const program of all) {
      const { dependsOn = [] } = await checksOf(program.folder)
      const pair = (service: string, a: string, b: string) => `${service} ${[a, b].sort()}`
      const declared = dependsOn.map(({ service, type, on }) => pair(service, type, on))
      const meant = cellsOf(program, 'correct').filter(({ verdict }) => verdict === 'declared')
      assert.deepEqual(
        [...new Set(meant.map(({ service, a, b }) => pair(service, a, b)))].sort(),
        declared.sort(),
        program.name,
      )
    }
  })

  test('claims republication and rebuild wherever it expects something of them', async () => {
    for (const program of all) {
      const { claims } = await checksOf(program.folder)
      for (const form of forms)
        for (const service of await servicesOf(join(program.folder, form, 'service.ts')))
          for (const { level, a } of cellsOf(program, form).filter((cell) => cell.service === service.name)) {
            const claimed = claims?.republication?.[service.name] ?? []
            if (level === 're-publication') assert.ok(claimed.includes(a), `${program.name}: ${a}`)
            if (level === 'rebuild') assert.equal(service.options.projection, true, program.name)
          }
    }
  })

  for (const level of levels)
    test(`has at least ${floor.positives} positives of ${level}`, () => {
      const positives = count(level, 'defect')
      assert.ok(positives >= floor.positives, `${positives} positives`)
    })
})

function nameOf({ service, a, b, level, as }: Cell): string {
  const ordered = ['redelivery', 're-publication', 'isolated-failure'].includes(level)
  return [service, level, as, ...(ordered ? [a, b] : [a, b].sort())].join(' ')
}

function count(level: Level, form: Form): number {
  const dependent = (program: Program) =>
    cellsOf(program, form).filter((cell) => cell.level === level && cell.verdict !== 'independent')
  return all.reduce((sum, program) => sum + dependent(program).length, 0)
}
