/**
 * What the shop sells. A cart may hold other things too: whoever put them there, they are shown by their names.
 */
export const products: readonly string[] = [
  'mug',
  'teapot',
  'book',
  'notebook',
  'pencil',
  'lamp',
  'plant',
  'chair',
  'clock',
  'kite',
  'umbrella',
  'backpack',
]
