// Uses the types that openapi-typescript makes of /openapi.json.
import createClient from 'openapi-fetch'
import type { paths } from './api.js'

const api = createClient<paths>({ baseUrl: process.env.RUNNER_URL })

const added = await api.POST('/api/jobs/document-processing', {
  params: { query: { name: 'process-document' } },
  body: { documentId: 'd-1', userId: 'u-1', filename: 'a.pdf', mimeType: 'application/pdf', fileSize: 1 },
})
if (!added.data) throw new Error(added.error.detail)
const status = await api.GET('/api/jobs/status/{queue}/{id}', {
  params: { path: { queue: added.data.queue, id: added.data.jobId } },
})
console.log(added.data.queue, added.data.name, status.data?.state)

const refused = await api.POST('/api/jobs/document-processing', {
  // @ts-expect-error a field of the contract is missing
  body: { documentId: 'd-1' },
})
console.log(refused.response.status, refused.error?.detail)
