/**
 * Child processes of the benchmark: forked, awaited until they send their first message, ended with their channel.
 */
import { type ChildProcess, fork } from 'node:child_process'

export interface Child<T> {
  readonly child: ChildProcess
  readonly news: T
}

export function forkUntil<T>(program: string, args: readonly string[]): Promise<Child<T>> {
  const child = fork(program, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (news) => resolve({ child, news: news as T }))
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)))
  })
}
