import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Runs the command line beside the service, as a person would in another terminal, and shows both lines and answer. */
export async function skerry(...args: string[]): Promise<string> {
  console.log(`\n$ skerry ${args.map(quoted).join(' ')}`)
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args])
  console.log(stdout.replaceAll(anyTime, '(a time)').replaceAll(anyId, '(an id)').trimEnd())
  return stdout
}

// What differs from run to run is not shown, so that the output can be compared.
const anyTime = /\d{4}-\d\d-\d\dT[\d:.]+Z/g
const anyId = /[0-9a-f]{8}-[0-9a-f-]{27}/g

const quoted = (arg: string): string => (/^[\w.:=-]+$/.test(arg) ? arg : `'${arg}'`)
