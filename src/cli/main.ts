#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Compiling anew is most of what a short command costs. The variable is for threads and processes that it starts.
const { directory } = enableCompileCache()
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory
const { main } = await import('./dispatch.ts')

process.exitCode = await main(process.argv.slice(2))
// What a service left running must not keep a stopped process alive; output that is under way is finished first.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
process.exit()
