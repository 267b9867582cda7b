import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** How much of what a failing file printed is repeated, in characters. */
const printedAtMost = 8000

/**
 * A reporter for node's test runner that tells failures only, each with its error and with what its file wrote to
 * standard error: what a reader needs when thousands of lines lie between a failure and the end of the output.
 */
export default async function* failures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const printed = new Map<string | undefined, string>()
  const failed = new Set<string | undefined>()
  for await (const { type, data } of events) {
    if (type === 'test:stderr')
      printed.set(data.file, ((printed.get(data.file) ?? '') + data.message).slice(-printedAtMost))
    // A parent fails because of its children: those tell why.
    if (type !== 'test:fail' || isFromChildren(data.details.error)) continue
    failed.add(data.file)
    yield `✖ ${data.name}\n  ${data.file}:${data.line}\n${indented(inspect(causeOf(data.details.error), { depth: 8 }))}\n`
  }
  for (const file of failed)
    if (printed.get(file)) yield `What ${file} printed:\n${indented(printed.get(file) ?? '')}\n`
}

function isFromChildren(error: Error & { failureType?: string }): boolean {
  return error.failureType === 'subtestsFailed'
}

function causeOf(error: Error): unknown {
  return error.cause ?? error
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '  ')
}
