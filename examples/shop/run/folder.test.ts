import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { markFinished, openFolder } from './folder.ts'

function folderWithData(t: TestContext) {
  const out = mkdtempSync(join(tmpdir(), 'shop-folder-'))
  t.after(() => rmSync(out, { recursive: true }))
  const data = join(out, 'a.csv')
  writeFileSync(data, 'some rows')
  return { out, data }
}

test('a run that was killed is continued, a finished one starts afresh', async (t) => {
  const { out, data } = folderWithData(t)
  const first = await openFolder(out, data)
  assert.equal(first.continues, false)
  writeFileSync(join(first.state, 'store'), 'half of the rows')
  const second = await openFolder(out, data)
  assert.equal(second.continues, true)
  assert.equal(second.app, first.app)
  assert.ok(existsSync(join(second.state, 'store')))
  await markFinished(second)
  const third = await openFolder(out, data)
  assert.equal(third.continues, false)
  assert.notEqual(third.app, first.app, 'a server keeps what the first one published')
  assert.ok(!existsSync(join(third.state, 'store')))
  assert.equal((await openFolder(out, data)).continues, true)
})

test('an unfinished run is not continued with other rows', async (t) => {
  const { out, data } = folderWithData(t)
  const { state } = await openFolder(out, data)
  writeFileSync(data, 'other rows')
  await assert.rejects(openFolder(out, data), /holds an unfinished run of .*a\.csv; finish it with that --data/)
  assert.ok(existsSync(join(state, 'data')))
})

test('a folder that was killed before its first file was whole starts afresh', async (t) => {
  const { out, data } = folderWithData(t)
  const { state } = await openFolder(out, data)
  rmSync(join(state, 'data'))
  writeFileSync(join(state, 'store'), 'left over')
  assert.equal((await openFolder(out, data)).continues, false)
  assert.ok(!existsSync(join(state, 'store')))
})
