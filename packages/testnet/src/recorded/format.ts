/**
 * A recorded stream on disk. First its name, then the frames, one behind the other; then an entry for each frame, the DID
 * documents as JSON in zstd, and last where those two begin. All numbers are in little-endian order.
 *
 * | entry, 8 bytes | |
 * |---|---|
 * | u32 | length of the frame |
 * | u16 | where its `time` is, 24 characters; 0 for a frame without |
 * | u16 | 0 |
 *
 * | end, 24 bytes | |
 * |---|---|
 * | u64 | where the entries begin |
 * | u64 | where the documents begin |
 * | u64 | how many frames |
 *
 * The number of frame i, counted from 0, is `firstSeq + 1 + i`.
 */
export const fileName = Buffer.from('orrery stream 1\n')
export const entryBytes = 8
export const endBytes = 24

/** The key `time` and the head of a text of 24 characters, as a frame has it. */
export const timeField = Buffer.from([0x64, 0x74, 0x69, 0x6d, 0x65, 0x78, 24])
export const timeBytes = 24
