/** Lets those through who come by it, first come first, but no more than so many in one turn of the event loop. */
export type Turnstile = () => Promise<void>

/**
 * For answers that need not be quick. Where thousands a second are due, those that are would wait behind all of them: a
 * turn of the loop takes as long as everything that is answered in it, and most of that is writing it out. Whoever waits
 * here waits for as long as the flood lasts, and holds up nobody.
 *
 * @param perTurn how many go through in a turn of the event loop; while nobody waits for the next one, that is no wait
 */
export function createTurnstile(perTurn: number): Turnstile {
  let waiting: (() => void)[] = []
  let first = 0

  function turn(): void {
    const end = Math.min(waiting.length, first + perTurn)
    while (first < end) waiting[first++]!()
    if (first < waiting.length) {
      setImmediate(turn)
    } else {
      waiting = []
      first = 0
    }
  }

  return () =>
    new Promise(resolve => {
      if (waiting.push(resolve) === 1) setImmediate(turn)
    })
}
