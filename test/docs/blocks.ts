/** What a document holds besides prose, found line by line. Only fences of three backticks count; examples use no others. */
export interface Block {
  readonly file: string
  /** Of the opening fence, from 1. */
  readonly line: number
  /** The words after the fence: `ts run`, `ts`, `ts fragment`, `text output`, … */
  readonly words: readonly string[]
  readonly text: string
}

export interface Link {
  readonly file: string
  readonly line: number
  readonly target: string
}

export function blocksOf(file: string, source: string): Block[] {
  const blocks: Block[] = []
  let open: { line: number; words: string[]; lines: string[] } | undefined
  for (const [index, text] of source.split('\n').entries()) {
    if (!text.startsWith('```')) open?.lines.push(text)
    else if (open) {
      blocks.push({ file, line: open.line, words: open.words, text: `${open.lines.join('\n')}\n` })
      open = undefined
    } else open = { line: index + 1, words: text.slice(3).trim().split(/\s+/), lines: [] }
  }
  if (open) throw new Error(`${file}:${open.line}: the block is never closed`)
  return blocks
}

/** Links of the form [text](target), outside of blocks and of `code`. */
export function linksOf(file: string, source: string): Link[] {
  const links: Link[] = []
  let inBlock = false
  for (const [index, text] of source.split('\n').entries()) {
    if (text.startsWith('```')) inBlock = !inBlock
    if (inBlock) continue
    for (const [, target] of text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g))
      links.push({ file, line: index + 1, target: target as string })
  }
  return links
}

/** The anchors that a page gives to its headings, as code hosts name them. */
export function anchorsOf(source: string): Set<string> {
  const headings = [...source.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading as string)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}
