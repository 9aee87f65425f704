// The payload of a job named `transform`: 2 KB of JSON.
const categories = ['tea', 'coffee', 'cups']
const item = number => ({
  sku: `SKU-${1000 + number}`,
  category: categories[number % categories.length],
  name: `Something to drink, no. ${number}`,
  quantity: (number % 4) + 1,
  cents: 250 + 25 * number,
})
export const order = {
  customer: { name: 'Zoë Müller', email: 'zoe@example.com' },
  items: Array.from({ length: 20 }, (_, number) => item(number)),
}
