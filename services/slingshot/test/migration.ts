import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AtpAgent } from '@atproto/api'
import { cidOf, encodeCbor, signBytes, signingKeyFromBytes, valueFromJson } from '@orrery/repo'
import { type Account, type Frame, type Pds, type Plc, SAMPLE_PASSWORD, tapFirehose } from '@orrery/testnet'

/**
 * Moves an account to another PDS, as its owner would: account, repository, DID document, then the switch. It has been
 * told by both firehoses when this resolves, by the old one first.
 */
export async function migrate(account: Account, from: Pds, to: Pds, plc: Plc): Promise<AtpAgent> {
  const { did, handle } = account
  const old = account.agent
  const { data: auth } = await old.com.atproto.server.getServiceAuth({
    aud: `did:web:localhost%3A${to.port}`,
    lxm: 'com.atproto.server.createAccount',
  })
  const agent = new AtpAgent({ service: to.url })
  await agent.com.atproto.server.createAccount(
    { did, handle, email: `${handle}.moved@example.com`, password: SAMPLE_PASSWORD },
    { headers: { authorization: `Bearer ${auth.token}` }, encoding: 'application/json' },
  )
  await agent.login({ identifier: did, password: SAMPLE_PASSWORD })
  const { data: repo } = await old.com.atproto.sync.getRepo({ did })
  await agent.com.atproto.repo.importRepo(repo, { encoding: 'application/vnd.ipld.car' })
  const { data: credentials } = await agent.com.atproto.identity.getRecommendedDidCredentials()
  await writePlc(did, credentials as Record<string, unknown>, from, plc)
  const ofAccount = ({ header, body }: Frame): boolean => header.t === '#account' && body.did === did
  await using oldTap = await tapFirehose(from.url)
  await using newTap = await tapFirehose(to.url)
  await oldTap.told(() => old.com.atproto.server.deactivateAccount({}), ofAccount)
  await newTap.told(() => agent.com.atproto.server.activateAccount(), ofAccount)
  return agent
}

/** Signed with the rotation key of the old PDS, which the owner would ask for by mail. */
async function writePlc(
  did: string,
  credentials: Record<string, unknown>,
  from: Pds,
  plc: Plc,
): Promise<void> {
  const secrets = JSON.parse(await readFile(join(from.dataDir, 'testnet-secrets.json'), 'utf8')) as {
    plcRotationKeyHex: string
  }
  const key = signingKeyFromBytes('k256', Buffer.from(secrets.plcRotationKeyHex, 'hex'))
  const last = (await (await fetch(`${plc.url}/${did}/log/last`)).json()) as object
  const prev = cidOf(encodeCbor(valueFromJson(last))).toString()
  const operation = { type: 'plc_operation', ...credentials, prev }
  const signature = signBytes(key, encodeCbor(valueFromJson(operation)))
  const sig = Buffer.from(signature).toString('base64url')
  const response = await fetch(`${plc.url}/${did}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...operation, sig }),
  })
  if (!response.ok) throw new Error(`PLC: ${response.status} ${await response.text()}`)
}
