/**
 * The few globals that the core may use. Tabs and Node have them all, and none of them knows
 * the time, draws a random number or reaches the world; those come through `ports.ts`.
 *
 * The compiler gives the core's floors neither the browser's types nor Node's, so a `Date.now()`
 * is caught by the tidy test, and a `setTimeout` already by the compiler.
 */

declare class Event {
  constructor(type: string, init?: { cancelable?: boolean })
  readonly type: string
  readonly target: EventTarget | null
  readonly defaultPrevented: boolean
  preventDefault(): void
}

declare class CustomEvent<Detail = unknown> extends Event {
  constructor(type: string, init?: { cancelable?: boolean; detail?: Detail })
  readonly detail: Detail
}

type EventListenerOrEventListenerObject =
  | ((event: Event) => void)
  | { handleEvent(event: Event): void }

interface AddEventListenerOptions {
  readonly once?: boolean
  readonly signal?: AbortSignal
}

declare class EventTarget {
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions,
  ): void
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null): void
  dispatchEvent(event: Event): boolean
}

/** Without `AbortSignal.timeout`: it would run on the host's clock. */
declare class AbortSignal extends EventTarget {
  private constructor()
  static abort(reason?: unknown): AbortSignal
  static any(signals: Iterable<AbortSignal>): AbortSignal
  readonly aborted: boolean
  // The platform's own type; a caller may abort with anything.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly reason: any
  throwIfAborted(): void
}

declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, into: Uint8Array): { read: number; written: number }
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes?: ArrayBuffer | ArrayBufferView): string
}

declare function structuredClone<Value>(value: Value): Value
