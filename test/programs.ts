import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script on the Node under test, in a folder of its own. Never rejects: a failure is an outcome, too. */
export async function outcome(
  script: string,
  args: readonly string[],
  cwd: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(process.execPath, [script, ...args], {
      cwd,
      env: { ...environment(), ...more },
      timeout: 60_000,
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout: string; stderr: string }
    return { code: typeof code === 'number' ? code : -1, stdout, stderr }
  }
}

/** Without what would lead to another folder of state, or tell Node that it runs a test. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT, NODE_OPTIONS, SKERRY_DIR, SKERRY_BUS, SKERRY_STORE, ...rest } = process.env
  return { ...rest, NO_COLOR: '1' }
}
