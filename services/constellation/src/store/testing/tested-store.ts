import type { ProgressStore } from '@orrery/firehose'
import type { LinkReader, LinkWriter } from '../../store.ts'

/** A store as the suite drives it. Disposing it closes it, and takes away what it left on disk. */
export interface TestedStore extends AsyncDisposable {
  writer: LinkWriter
  reader: LinkReader
  progress: Pick<ProgressStore, 'cursor' | 'account' | 'noticed'>
  /**
   * Closes it and opens what it left on disk, with whatever was not tidied up. Only of stores that outlive the process;
   * answers the store that goes on, and this one is not used again, nor disposed.
   */
  reopen?: (() => Promise<TestedStore>) | undefined
}

/** Opens an empty store. */
export type OpenStore = () => Promise<TestedStore>
