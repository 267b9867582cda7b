/**
 * The limit of the machine: lengths and JSON over one socket, answers in the order of their requests. No names, no headers, no
 * deadline, nothing that could fail by itself: whoever is slower than a target that this misses as well is not at fault.
 */
import { connect } from 'node:net'
import { messagesOf, written } from '../bare-sockets.ts'
import { callInBlocks } from '../block.ts'

await callInBlocks(({ at }) => {
  const socket = connect({ port: at.sockets?.[0] as number, host: '127.0.0.1', noDelay: true })
  const waiting: ((answer: { n: number }) => void)[] = []
  socket.on(
    'data',
    messagesOf((text) => waiting.shift()?.(JSON.parse(text))),
  )
  return {
    call: (order) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        socket.write(written(JSON.stringify(order)))
      }),
    close: () => socket.destroy(),
  }
})
