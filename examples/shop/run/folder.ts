import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Where a run keeps its bus and its stores, and how it tells the next one whether it came to its end. */
export interface RunFolder {
  readonly out: string
  readonly state: string
  /** Name of this run's application: on a server that many runs share, each has its own. */
  readonly app: string
  /** True when an earlier run was killed and this one goes on where it was. */
  readonly continues: boolean
}

/**
 * Makes the folder ready: what a finished run left is removed, what a killed one left is kept. Refuses to continue the
 * run of one file with another, since rows are known by their numbers.
 */
export async function openFolder(out: string, data: string): Promise<RunFolder> {
  const state = join(out, 'state')
  const finished = join(out, 'finished')
  await mkdir(out, { recursive: true })
  if (await exists(finished)) {
    await rm(state, { recursive: true, force: true })
    // Last: a run that is killed between the two starts afresh again, and never continues half of a removed one.
    await rm(finished)
  }
  const digest = await digestOf(data)
  const earlier = await readFile(join(state, 'data'), 'utf8').catch(() => undefined)
  const [earlierDigest, earlierPath, earlierApp = ''] = earlier?.split('\n') ?? []
  if (earlierDigest === digest) return { out, state, app: earlierApp, continues: true }
  if (earlierDigest !== undefined)
    throw new Error(
      `${out} holds an unfinished run of ${earlierPath}; finish it with that --data, choose another --out, or delete the folder`,
    )
  // The state's first file, moved in whole: a folder without it holds nothing that was ever published.
  await rm(state, { recursive: true, force: true })
  await mkdir(state, { recursive: true })
  const app = `shop-${randomBytes(4).toString('hex')}`
  await writeFile(join(state, 'data.new'), `${digest}\n${resolve(data)}\n${app}\n`)
  await rename(join(state, 'data.new'), join(state, 'data'))
  return { out, state, app, continues: false }
}

/** Tells the next run to start afresh: the last thing that a run does. */
export async function markFinished({ out }: RunFolder): Promise<void> {
  await writeFile(join(out, 'finished'), 'The next run in this folder starts afresh.\n')
}

/** Writes result files; one whose text is undefined is removed, so that none of an earlier run stays. */
export async function writeResults({ out }: RunFolder, files: Iterable<[string, string | undefined]>): Promise<void> {
  for (const [name, text] of files)
    if (text === undefined) await rm(join(out, name), { force: true })
    else await writeFile(join(out, name), text)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
