import { readdirSync, readFileSync } from 'node:fs'

/** What a process has used so far, as Linux counts it. */
export interface ProcessUse {
  pid: number
  /** What it runs: the service, or `orrery` for the supervisor. */
  name: string
  rssBytes: number
  /** The same with memory that several processes share counted once, in parts. */
  pssBytes: number
  cpuSeconds: number
  /** Bytes that went to the disk, and calls that wrote. */
  writtenBytes: number
}

/** Clock ticks a second, on every Linux that there is. */
const ticks = 100

/** What a process and all below it have used. Those that have just ended are left out. */
export function useOf(root: number): ProcessUse[] {
  const parents = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter(each => /^\d+$/.test(each))) {
    const parent = Number(statOf(Number(name))?.[1])
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)])
  }
  const below = (pid: number): number[] => [pid, ...(parents.get(pid) ?? []).flatMap(below)]
  return below(root).flatMap(pid => {
    const use = readUse(pid, pid === root)
    return use ? [use] : []
  })
}

/** The fields of /proc/<pid>/stat from the state on. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function readUse(pid: number, isRoot: boolean): ProcessUse | undefined {
  try {
    const stat = statOf(pid)
    if (!stat) return undefined
    const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const kilobytes = (key: string): number =>
      Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(memory)?.[1] ?? 0) * 1024
    const io = readFileSync(`/proc/${pid}/io`, 'utf8')
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
    return {
      pid,
      name: isRoot ? 'orrery up' : (words.at(-1) ?? '?').split('/').at(-1)!,
      rssBytes: kilobytes('Rss'),
      pssBytes: kilobytes('Pss'),
      cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticks,
      writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io)?.[1] ?? 0),
    }
  } catch {
    return undefined
  }
}
