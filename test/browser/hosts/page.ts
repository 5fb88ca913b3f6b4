/** Builds the cart page before any worker serves it: two that built it at once would take it from under each other. */
import { builtPage } from '../../../node/page-build.ts'

export default async function build(): Promise<void> {
  await builtPage()
}
