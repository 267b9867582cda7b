import { setTimeout as pause } from 'node:timers/promises'
import { type App, type NumberedPublisher, SkerryError } from 'skerry'
import { Retail } from './contract.ts'
import { kindOf, readRows } from './row.ts'

const producer = 'importer'
const retryMs = 200

/**
 * Publishes one event for each row of a file, numbered by row. What the bus has already is skipped, so that an import
 * that was killed is continued by importing the same file again; rows that are equal in every column have numbers of
 * their own, and each counts.
 */
export async function importFile(
  app: App,
  path: string,
  onProgress: (published: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const publisher = await app.publisher(Retail, producer)
      return await publishFile(publisher, path, onProgress, signal)
    } catch (error) {
      if (!passes(error) || signal?.aborted) throw error
      await pause(retryMs)
    }
  }
}

async function publishFile(
  publisher: NumberedPublisher,
  path: string,
  onProgress: (published: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let row = 0
  for await (const rows of readRows(path)) {
    const numbered = rows.map((data) => ({ row: ++row, ...data })).filter((data) => data.row > publisher.mark)
    await Promise.all(numbered.map((data) => publisher.publish(data.row, Retail[kindOf(data)], data)))
    onProgress(row)
    if (signal?.aborted) return
  }
}

/** The bus may be away, its writer dead, or its disk full: none of it is the row's fault, so it is sent again. */
function passes(error: unknown): boolean {
  return error instanceof SkerryError && ['unavailable', 'overloaded', 'conflict'].includes(error.code)
}
