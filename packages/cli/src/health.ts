import { addressOf, services } from './services.ts'
import { askHealth } from './suite/ask.ts'
import { print } from './terminal.ts'
import { askSupervisor } from './up/control.ts'

/**
 * `orrery health`: for the health check of a container. Asks one service, or all that `orrery up` runs here; exits with 0
 * where each is ok, else with 1.
 */
export async function health(
  name: string | undefined,
  { dataDir = './data' }: { dataDir?: string },
): Promise<void> {
  const addresses = name === undefined ? await addressesOf(dataDir) : [addressOfService(name)]
  const answers = await Promise.all(
    addresses.map(async address => `${address} ${(await askHealth(address))?.status ?? 'does not answer'}`),
  )
  print(answers.length > 0 ? answers.join(', ') : `no orrery up runs in ${dataDir}`)
  if (answers.length === 0 || answers.some(answer => !answer.endsWith(' ok'))) process.exitCode = 1
}

async function addressesOf(dataDir: string): Promise<string[]> {
  return (await askSupervisor(dataDir))?.services.map(({ address }) => address) ?? []
}

function addressOfService(name: string): string {
  const service = services.find(each => each.name === name)
  if (!service)
    throw new Error(`there is no service "${name}"; there are ${services.map(each => each.name).join(', ')}`)
  return addressOf(service)
}
