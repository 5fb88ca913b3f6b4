/** What the bundler makes of an import of a drawing: its address. */
declare module '*.svg?no-inline' {
  const address: string
  export default address
}

/** A style has no value: it is there once whoever imports it is. */
declare module '*.css'
