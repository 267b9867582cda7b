import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, SkerryError } from '../errors.ts'
import { missing } from './failure.ts'

/** What a git checkout says about what changed. */
export interface Changes {
  /** The checkout's own folder. */
  readonly root: string
  /** As a person names it: `4f2c1d9 (where it left origin/main)`. */
  readonly since: string
  /** Whole paths of files that came, changed or went, what is not committed included; ignored ones are not. */
  readonly files: readonly string[]
}

const execute = promisify(execFile)
/** In bytes: names of a million files. */
const mostOutput = 64 * 1024 * 1024

/**
 * The files that changed since a commit: `ref`, or else where this branch left the default one. Throws `not_found` outside of
 * a checkout, for a ref that is none, and where a shallow checkout does not know where the branch began.
 */
export async function changesSince(folder: string, ref: string | undefined): Promise<Changes> {
  const root = await rootOf(folder)
  const { commit, shown } = ref === undefined ? await beginning(root) : await named(root, ref)
  const listed = [
    await git(root, 'diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', commit, '--'),
    await git(root, 'ls-files', '-z', '--others', '--exclude-standard'),
  ]
  const files = listed.flatMap((text) => text.split('\0').filter((name) => name !== ''))
  return { root, since: shown, files: [...new Set(files)].sort().map((name) => join(root, name)) }
}

async function rootOf(folder: string): Promise<string> {
  try {
    return (await git(folder, 'rev-parse', '--show-toplevel')).trimEnd()
  } catch (cause) {
    const why = isMissing(cause) ? 'git, which is not installed' : `a git checkout, and ${folder} is in none`
    throw new SkerryError('not_found', `--changed needs ${why}; leave it out to check everything`, { cause })
  }
}

interface Base {
  readonly commit: string
  readonly shown: string
}

async function named(root: string, ref: string): Promise<Base> {
  const commit = await commitOf(root, ref)
  if (commit !== undefined) return { commit, shown: ref }
  const known = await git(root, 'for-each-ref', '--format=%(refname:short)', 'refs/heads', 'refs/remotes', 'refs/tags')
  throw missing('commit', ref, known.split('\n').filter(Boolean), 'Say --changed=REF with a branch, a tag or a commit.')
}

/** Where this branch left the default one; on that one itself, and where there is none, what is not committed counts. */
async function beginning(root: string): Promise<Base> {
  const head = await commitOf(root, 'HEAD')
  if (head === undefined)
    throw new SkerryError('not_found', '--changed: nothing is committed yet; leave it out to check everything')
  for (const branch of await defaultBranches(root)) {
    if ((await commitOf(root, branch)) === undefined) continue
    const commit = await tried(root, 'merge-base', 'HEAD', branch)
    if (commit === head) return { commit, shown: 'the last commit' }
    if (commit !== undefined) return { commit, shown: `${commit.slice(0, 7)} (where it left ${branch})` }
  }
  // The branch may have begun before the history that is there: to say that nothing changed would be wrong.
  if ((await tried(root, 'rev-parse', '--is-shallow-repository')) === 'true')
    throw new SkerryError(
      'not_found',
      '--changed: a shallow checkout does not tell where the branch began; fetch its whole history, or name a ref: --changed=REF',
    )
  return { commit: head, shown: 'the last commit' }
}

async function defaultBranches(root: string): Promise<string[]> {
  const head = await tried(root, 'symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD')
  return [...(head === undefined ? [] : [head]), 'origin/main', 'origin/master', 'main', 'master']
}

function commitOf(root: string, ref: string): Promise<string | undefined> {
  return tried(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
}

/** Its first line, or nothing where git says no. */
async function tried(root: string, ...args: string[]): Promise<string | undefined> {
  const text = await git(root, ...args).catch(() => '')
  return text.trimEnd().split('\n').at(-1) || undefined
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute('git', ['-C', folder, ...args], { maxBuffer: mostOutput })
  return stdout
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ENOENT' || messageOf(error).includes('ENOENT')
}
