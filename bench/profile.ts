/** Where the time goes: the functions of a CPU profile by the time spent in themselves. Pure, but for the reading. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

export interface Hotspot {
  readonly place: string
  /** Share of the time sampled, waiting included. */
  readonly share: number
}

export function hotspots(profiles: readonly CpuProfile[], count: number): Hotspot[] {
  const byPlace = new Map<string, number>()
  let total = 0
  for (const profile of profiles) {
    const places = new Map(profile.nodes.map((node) => [node.id, placeOf(node)]))
    for (const [index, id] of (profile.samples ?? []).entries()) {
      const us = profile.timeDeltas?.[index] ?? 0
      const place = places.get(id) ?? '(unknown)'
      byPlace.set(place, (byPlace.get(place) ?? 0) + us)
      total += us
    }
  }
  if (total === 0) return []
  return [...byPlace]
    .map(([place, us]) => ({ place, share: us / total }))
    .sort((a, b) => b.share - a.share)
    .slice(0, count)
}

/** All profiles of a folder: a process writes one for each of its threads. */
export function readProfiles(folder: string): CpuProfile[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  return files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}

function placeOf({ callFrame }: ProfileNode): string {
  const name = callFrame.functionName || '(anonymous)'
  if (callFrame.url === '') return name
  const file = callFrame.url.split('/').slice(-3).join('/')
  return `${name} ${file}:${callFrame.lineNumber + 1}`
}
