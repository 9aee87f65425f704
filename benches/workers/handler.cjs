// The handler of the benches: nothing, except that a job named `clock` returns the
// time it started, in microseconds since 1970, and one named `transform` its payload
// in another shape, as the guests in ../languages do.
module.exports = async job => {
  if (job.name === 'clock') return Math.round((performance.timeOrigin + performance.now()) * 1000)
  return job.name === 'transform' ? transform(job.data) : null
}

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
