// The official JavaScript client, unmodified, pointed at es-hybrid. Prints what it got as JSON.
import { createRequire } from 'node:module'
const [folder, url, index] = process.argv.slice(2)
const { Client, errors } = createRequire(`${folder}/`)('@elastic/elasticsearch')
const client = new Client({ node: url, maxRetries: 0 })
const got = {}

got.ping = await client.ping()
got.tagline = (await client.info()).tagline
await client.indices.create({
  index,
  mappings: {
    properties: {
      title: { type: 'text' },
      brand: { type: 'keyword' },
      embedding: { type: 'dense_vector', dims: 2, similarity: 'cosine' }
    }
  }
})
got.exists = await client.indices.exists({ index })
got.indexed = (await client.index({ index, id: '1', document: { title: 'red shoe', brand: 'a', embedding: [1, 0] } })).result
const bulk = await client.helpers.bulk({
  datasource: [
    { id: '2', title: 'red hat', brand: 'a', embedding: [0.9, 0.1] },
    { id: '3', title: 'blue hat', brand: 'b', embedding: [0, 1] }
  ],
  onDocument: ({ id, ...document }) => [{ index: { _index: index, _id: id } }, document],
  refreshOnCompletion: index
})
got.bulk = bulk.successful
const ids = (answer) => answer.hits.hits.map((hit) => hit._id)
const search = await client.search({ index, query: { match: { title: 'red' } }, aggs: { brand: { terms: { field: 'brand' } } } })
got.search = { ids: ids(search).sort(), total: search.hits.total.value, brands: search.aggregations.brand.buckets }
const retriever = {
  rrf: {
    retrievers: [
      { standard: { query: { match: { title: 'red' } } } },
      { knn: { field: 'embedding', query_vector: [0, 1], k: 2, num_candidates: 3 } }
    ]
  }
}
const rrf = await client.search({ index, retriever, size: 3, aggs: { brand: { terms: { field: 'brand' } } } })
got.rrf = { ids: ids(rrf), total: rrf.hits.total.value, brands: rrf.aggregations.brand.buckets }
const many = await client.msearch({
  searches: [{ index }, { query: { match: { title: 'blue' } } }, { index }, { retriever }, { index: 'no-such-index' }, { query: { match_all: {} } }]
})
got.msearch = many.responses.map((answer) => (answer.error ? answer.error.type : ids(answer)))
got.scrolled = []
for await (const page of client.helpers.scrollDocuments({ index, size: 1, query: { match_all: {} } })) got.scrolled.push(page.title)
const failure = async (call) => {
  try {
    await call()
  } catch (error) {
    return error instanceof errors.ResponseError && [error.statusCode, error.body.error.type]
  }
}
got.failures = [
  await failure(() => client.search({ index: 'no-such-index', query: { match_all: {} } })),
  await failure(() => client.search({ index: 'no-such-index', retriever })),
  await failure(() => client.search({ index, query: { nonsense: {} } })),
  await failure(() => client.search({ index, retriever: { rrf: { nonsense: 1, ...retriever.rrf } } })),
  await failure(() => client.get({ index, id: '404' }).catch((error) => { if (error.statusCode === 404) error.body.error = { type: 'not_found' }; throw error }))
]
got.deleted = (await client.indices.delete({ index })).acknowledged
console.log(JSON.stringify(got))
