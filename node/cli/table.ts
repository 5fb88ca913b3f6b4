/**
 * Rows in columns: words to the left, numbers to the right, and nothing drawn around them.
 */
export function showTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly string[],
): string[] {
  const all = [titles.map((title) => title.toUpperCase()), ...rows]
  const widths = titles.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  return all.map((row) =>
    row
      .map((cell, i) =>
        numbers.includes(titles[i]!) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd(),
  )
}
