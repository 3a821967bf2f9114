// Two files that are written in turn, the first one first: what one instant shows of them differs by one at most.
import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import { serveProcess } from '@orrery/testnet'

export type PairApi = typeof api

const api = {
  run(folder: string): void {
    const bumps = ['a', 'b'].map(name => {
      const db = openDatabase(join(folder, `${name}.sqlite`))
      db.exec('CREATE TABLE IF NOT EXISTS one (n INTEGER NOT NULL); INSERT INTO one VALUES (0)')
      return db.prepare('UPDATE one SET n = n + 1')
    })
    setInterval(() => {
      for (const bump of bumps) bump.run()
    }, 3)
  },
}

serveProcess(api)
