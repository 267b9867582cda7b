import { spawnSync } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const mib = 1024 * 1024

/** A small disk of its own for a server, in memory. Only root may mount one. */
export class SmallDisk {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Why there can be none here, or undefined. */
  static get impossible(): string | undefined {
    if (process.platform !== 'linux') return 'needs Linux'
    return process.getuid?.() === 0 ? undefined : 'needs root, to mount a small disk'
  }

  static mount(folder: string, sizeMib: number): SmallDisk {
    mkdirSync(folder, { recursive: true })
    run('mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'skerry-faults', folder)
    chmodSync(folder, 0o777)
    return new SmallDisk(folder)
  }

  /** Puts a file there that leaves so many bytes, or none. */
  fill(leave: number): void {
    const file = openSync(join(this.folder, 'ballast'), 'w')
    try {
      for (let size = mib; size >= 4096; ) {
        const { bavail, bsize } = statfsSync(this.folder)
        if (bavail * bsize - leave < size) size /= 2
        else writeSync(file, Buffer.alloc(size))
      }
    } catch (error) {
      // Somebody else was faster: full is full.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(join(this.folder, 'ballast'))
  }

  unmount(): void {
    run('umount', '-l', this.folder)
  }
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} failed: ${stderr.trim()}`)
}
