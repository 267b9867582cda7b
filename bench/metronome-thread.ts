import { parentPort, workerData } from 'node:worker_threads'
import { nowUs } from './clock.ts'

const { perSecond, beats }: { perSecond: number; beats: number } = workerData
const never = new Int32Array(new SharedArrayBuffer(4))
const start = nowUs() + 50_000

for (let index = 0; index < beats; index++) {
  const due = start + (index * 1_000_000) / perSecond
  const waitUs = due - nowUs()
  if (waitUs > 0) Atomics.wait(never, 0, 0, waitUs / 1_000)
  parentPort?.postMessage({ index, sentUs: nowUs() })
}
