import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areFields } from './wire.ts'

const text = [0x0a, 2, 65, 66]

test('whole fields are, of each kind, and so is nothing at all', () => {
  for (const bytes of [
    [],
    text,
    [...text, ...text],
    [0x08, 0xff, 1],
    [0x09, ...Array(8).fill(0)],
    [0x0d, 0, 0, 0, 0],
    [0x0a, 0],
    [0x08, ...Array(9).fill(0xff), 1],
    [0x82, 1, 1, 7],
  ])
    assert.ok(areFields(Uint8Array.from(bytes)), `${bytes}`)
})

test('what ends too early, or is of no kind, is not', () => {
  for (const bytes of [
    [0x0a],
    [0x0a, 3, 65, 66],
    [0x0a, 0x7f, 65],
    [0x08],
    [0x08, 0xff],
    [0x08, ...Array(12).fill(0xff)],
    [0x09, 0],
    [0x0d, 0, 0, 0],
    [0x0b],
    [0x0c],
    [0x0f, 0],
    [0x02, 0],
    [...text, 0xff],
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
  ])
    assert.ok(!areFields(Uint8Array.from(bytes)), `${bytes}`)
})
