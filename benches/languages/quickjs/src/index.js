// The handler of the benches: nothing, or a job's payload made into another shape.
import { defineHandler } from '@runner/sdk'

export default defineHandler(job => (job.name === 'transform' ? transform(job.data) : null))

function transform({ customer, items }) {
  const totals = {}
  for (const item of items) {
    totals[item.category] = (totals[item.category] ?? 0) + item.quantity * item.cents
  }
  return {
    customer: customer.name.toUpperCase(),
    items: items.map(item => ({ sku: item.sku, cents: item.quantity * item.cents })),
    totals,
  }
}
