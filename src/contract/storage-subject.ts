/** What the storage contract is run against: a way to open stores by name, with a gate before each commit if it has one. */
import type { Storage, Write } from '../ports.ts'

export interface StorageSubject {
  /** Opens the store of this name: empty at first, and with what it held when it was closed. */
  open(name: string): Promise<Storage>
  /** The same, with a gate that each commit passes before it begins; without it some cases are left out. */
  openGated?(name: string, gate: CommitGate): Promise<Storage>
  /** Cuts the power of the store of this name while it is open; without it some cases are left out. */
  cutPower?(name: string): Promise<void>
}

/** While what it returns is pending the commit waits; if it throws or rejects, the commit fails with that. */
export type CommitGate = (writes: readonly Write[]) => void | Promise<void>
