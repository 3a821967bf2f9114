import { openSync, readSync } from 'node:fs'

// The bytes of a database are read beside SQLite. On POSIX a process that closes any descriptor of a file loses all its
// locks on that file, also those that SQLite has there. So nothing is closed while a connection of this process may be
// open: descriptors are kept here until the process ends, and used again. They are few.

const open = new Map<string, number>()

/** A descriptor for reading, which stays open until the process ends. */
export function openForGood(path: string, identity: string): number {
  const key = `${path}\0${identity}`
  let fd = open.get(key)
  if (fd === undefined) open.set(key, (fd = openSync(path, 'r')))
  return fd
}

/** Fills `into` from a place in a file, with zeros behind its end. Answers how many bytes there were. */
export function readFully(fd: number, into: Buffer, position: number): number {
  let at = 0
  while (at < into.length) {
    const read = readSync(fd, into, at, into.length - at, position + at)
    if (read === 0) break
    at += read
  }
  into.fill(0, at)
  return at
}
