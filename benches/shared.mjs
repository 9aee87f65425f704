// What the benches share: a private Redis for each run, child processes that end
// with the bench, and what /proc says of them.
import { spawn, execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'

export const here = dirname(fileURLToPath(import.meta.url))
export const target = resolve(process.env.CARGO_TARGET_DIR ?? join(here, '../target'))
export const scratch = mkdtempSync(join(tmpdir(), 'runner-bench-'))
export const QUEUE = 'bench'
const TICKS = Number(execFileSync('getconf', ['CLK_TCK']))

export async function freePort() {
  const server = createServer()
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address()
  await new Promise(done => server.close(done))
  return port
}

const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

export function start(program, argv, env, stdio = ['ignore', 'ignore', 'inherit']) {
  // wasmtime makes an error value per instance and drops it; with a backtrace it
  // costs more than the job. Nobody serves with this set.
  const { RUST_BACKTRACE, RUST_LIB_BACKTRACE, ...clean } = process.env
  const child = spawn(program, argv, { env: { ...clean, ...env }, stdio })
  children.add(child)
  child.ended = new Promise(done => child.on('exit', code => (children.delete(child), done(code))))
  return child
}

export async function stop(child) {
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5000)
  await child.ended
  clearTimeout(late)
}

// A redis-server of its own for each run, started from a seed if there is one.
export async function startRedis(seed) {
  const dir = mkdtempSync(join(scratch, 'redis-'))
  if (seed) copyFileSync(seed, join(dir, 'dump.rdb'))
  const port = await freePort()
  const argv = ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no']
  const server = start('redis-server', [...argv.map(String), '--loglevel', 'warning'], {})
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {}) // until it listens
  await client.ping()
  return {
    url,
    client,
    dir,
    pid: server.pid,
    stop: async () => (client.disconnect(), await stop(server), rmSync(dir, { recursive: true })),
  }
}

// A process and its descendants: the sandboxed peer works in children.
export function tree(pid) {
  const found = [pid]
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const list = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim()
      for (const child of list ? list.split(' ') : []) found.push(...tree(Number(child)))
    }
  } catch {
    // It ended while we looked.
  }
  return found
}

export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

export const cpuOf = pids => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)

export function peakMiB(pids) {
  const peak = pid => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  return pids.reduce((sum, pid) => sum + peak(pid), 0) / 1024
}

export const sleep = ms => new Promise(done => setTimeout(done, ms))

export async function left(client) {
  const replies = await client
    .pipeline()
    .llen(`bull:${QUEUE}:wait`)
    .llen(`bull:${QUEUE}:paused`)
    .llen(`bull:${QUEUE}:active`)
    .zcard(`bull:${QUEUE}:delayed`)
    .exec()
  return replies.reduce((sum, [, count]) => sum + count, 0)
}

export const median = numbers => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
