// A firehose as services run it: from their options, with their log, metrics and health.
export { followerHealth } from './health.ts'
export { addFollowerMetrics } from './metrics.ts'
export { type Follower, type FollowerContext, type FollowerOptions, openFollower } from './open.ts'
