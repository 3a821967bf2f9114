import { startFakePlc } from '../fake-plc.ts'
import { serveProcess } from '../process.ts'
import { type PlayerServer, type PlayerStats, servePlayer } from './player-server.ts'
import { openRecording } from './recording.ts'

export type PlayerApi = typeof api

let server: PlayerServer | undefined

const api = {
  async open(file: string): Promise<{ url: string; plcUrl: string; frames: number }> {
    const recording = openRecording(file)
    const plc = await startFakePlc(recording.documents)
    server = await servePlayer(recording)
    return { url: server.url, plcUrl: plc.url, frames: recording.count }
  },
  play: (perSecond: number | undefined): void => server!.play(perSecond),
  stats: (): PlayerStats => server!.stats(),
}

serveProcess(api)
