/** Records in the network's shares (of 100: 69 likes, 12 posts, 10 reposts, 6 follows, 3 others), keys in order. */
export function sampleRecords(): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = []
  for (let i = 0; i < 1000; i++) {
    const share = (i * 37) % 100
    if (share < 69) records.push(strongRef('app.bsky.feed.like', i))
    else if (share < 81) records.push(post(i))
    else if (share < 91) records.push(strongRef('app.bsky.feed.repost', i))
    else if (share < 97) records.push({ $type: 'app.bsky.graph.follow', createdAt, subject: did(i) })
    else
      records.push({
        $type: 'app.bsky.actor.profile',
        description: 'x'.repeat(120),
        displayName: `Someone ${i}`,
      })
  }
  return records
}

const createdAt = '2026-01-02T03:04:05.678Z'

function did(i: number): string {
  return `did:plc:${(i * 7919).toString(32).replaceAll(/[01]/g, 'z').padStart(24, 'a')}`
}

function ref(i: number): { cid: string; uri: string } {
  return { cid: `bafyrei${'q'.repeat(52)}`, uri: `at://${did(i)}/app.bsky.feed.post/3laaaaaaa${1000 + i}` }
}

function strongRef(type: string, i: number): Record<string, unknown> {
  return { $type: type, createdAt, subject: ref(i) }
}

function post(i: number): Record<string, unknown> {
  const text = 'What a day: the light over the harbour, and nobody there to see it. '.repeat(1 + (i % 4))
  const features = [{ $type: 'app.bsky.richtext.facet#link', uri: `https://News.example/a/${i}` }]
  return {
    $type: 'app.bsky.feed.post',
    createdAt,
    ...(i % 3 === 0 && { facets: [{ features, index: { byteEnd: 30, byteStart: 5 } }] }),
    langs: ['en'],
    ...(i % 2 === 0 && { reply: { parent: ref(i + 1), root: ref(i + 2) } }),
    text,
  }
}
