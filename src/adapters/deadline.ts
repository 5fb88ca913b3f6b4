/**
 * Waiting no longer than a request may take. What is waited for goes on: a dial may be shared, and serve the next.
 */
import { TransportError } from '../protocol/errors.ts'

/** As `promise`, or a `TransportError` (`deadline`, not sent) that says what did not come in time. */
export async function beforeDeadline<T>(
  promise: Promise<T>,
  deadlineMs: number,
  what: string,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    const late = (): void => reject(new TransportError('deadline', false, `no ${what} in time`))
    timer = setTimeout(late, deadlineMs)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}
