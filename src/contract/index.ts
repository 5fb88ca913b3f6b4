/**
 * The conformance suites, for whoever writes a store or a transport of their own: lists of named cases for any test
 * runner.
 */
export type { ContractCase } from './case.ts'
export { ContractBroken } from './case.ts'
export { storageContract, type CommitGate, type StorageSubject } from './storage.ts'
export { transportContract, type TransportSubject } from './transport.ts'
