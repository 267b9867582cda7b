/** Skerry's client as users have it, and a whole service; `call` names which call, `over` how it goes, `at` who answers. */
import { client } from 'skerry/mesh'
import type { Beside } from '../beside.ts'
import { callInBlocks } from '../block.ts'
import { Desk } from '../work.ts'

await callInBlocks(({ at, options }) => {
  const [http, frames] = (at[options.at as Beside] ?? []).map((port) => `127.0.0.1:${port}`)
  const address = options.over === 'frames' ? `tcp://${frames}` : `http://${http}`
  const desk = client(Desk, { at: [address] })
  const type = options.call === 'give' ? Desk.give : Desk.look
  return { call: (order) => desk.call(type, order), close: () => desk.close() }
})
