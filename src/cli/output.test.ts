import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { bytes, count, Output, progressLine } from './output.ts'

function streams(isTTY: boolean): { out: NodeJS.WriteStream; text: () => string } {
  const stream = new PassThrough()
  let text = ''
  stream.on('data', (part) => {
    text += part
  })
  return { out: Object.assign(stream, { isTTY, columns: 60 }) as unknown as NodeJS.WriteStream, text: () => text }
}

test('a table is aligned on a terminal and separated by tabs in a pipe', async () => {
  const table = async (isTTY: boolean): Promise<string> => {
    const { out, text } = streams(isTTY)
    await new Output(false, out, out).table(
      ['name', 'n'],
      [
        ['a', 10],
        ['long name', 5],
      ],
    )
    return text()
  }
  assert.equal(await table(false), 'name\tn\na\t10\nlong name\t5\n')
  assert.ok((await table(true)).endsWith('a          10\nlong name   5\n'))
})

test('progress is drawn on a terminal only, and gives way to lines', async () => {
  const pipe = streams(false)
  new Output(false, pipe.out, pipe.out).progress('work', 1, 2)
  assert.equal(pipe.text(), '')
  const terminal = streams(true)
  const output = new Output(false, terminal.out, terminal.out)
  output.progress('work', 1, 2)
  await output.line('done')
  assert.match(terminal.text(), /work {2}█+░+ {2}1 of 2 {3}50 %/)
  assert.ok(terminal.text().endsWith('%\r\x1b[2Kdone\n'))
})

test('a progress line fits', () => {
  for (const columns of [20, 40, 80]) assert.ok(progressLine('work', 1_234_567, 2_000_000, columns).length < columns)
  assert.equal(progressLine('work', 1234, 0, 80), 'work  1,234')
})

test('figures for people', () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(count), ['0', '999', '1,000', '1,234,567'])
  assert.deepEqual([0, 1023, 1024, 1536, 200 * 1024, 3 * 1024 ** 3].map(bytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '200 KiB',
    '3.0 GiB',
  ])
})

test('when nobody reads any more, lines are dropped without a failure', async () => {
  const { out } = streams(false)
  const output = new Output(false, out, out)
  out.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }))
  await new Promise((resolve) => out.once('close', resolve))
  await output.line('nobody hears this')
  assert.equal(output.open, false)
})
