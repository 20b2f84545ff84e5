// Searchkit and Search UI's connector, unmodified, pointed at es-hybrid. Prints what they got as JSON.
import { createRequire } from 'node:module'
const [folder, url, text, brand] = process.argv.slice(2)
const require = createRequire(`${folder}/`)
const Searchkit = require('searchkit').default
const Connector = require('@elastic/search-ui-elasticsearch-connector').default
const got = {}

const searchkit = new Searchkit({
  connection: { host: url },
  search_settings: {
    search_attributes: [{ field: 'title', weight: 3 }, 'description'],
    result_attributes: ['title', 'brand', 'price'],
    highlight_attributes: ['title'],
    facet_attributes: [
      { attribute: 'brand', field: 'brand.keyword', type: 'string' },
      { attribute: 'type', field: 'type', type: 'string' },
      { attribute: 'price', field: 'price', type: 'numeric' }
    ],
    sorting: { default: { field: '_score', order: 'desc' }, _price: { field: 'price', order: 'asc' } }
  }
})
const instant = async (...requests) => {
  const found = await searchkit.handleInstantSearchRequests(requests)
  return found.results.map((result) => ({
    total: result.nbHits,
    titles: result.hits.map((hit) => hit.title),
    brands: result.hits.map((hit) => hit.brand),
    prices: result.hits.map((hit) => hit.price),
    facet: (result.facets ?? {}).brand
  }))
}
const index = 'test-shop-searchkit'
const params = { query: text, facets: ['brand', 'type', 'price'], hitsPerPage: 10, maxValuesPerFacet: 100 }
got.searchkit = (await instant({ indexName: index, params }))[0]
// As InstantSearch asks with a chosen brand: the page, and the facet without that choice.
got.disjunctive = await instant(
  { indexName: index, params: { ...params, facetFilters: [[`brand:${brand}`]] } },
  { indexName: index, params: { ...params, facets: ['brand'], hitsPerPage: 0 } }
)
got.sorted = (await instant({ indexName: `${index}_price`, params }))[0]
got.browsed = (await instant({ indexName: index, params: { ...params, query: '' } }))[0]

const connector = new Connector({ host: url, index: 'test-shop-search-ui' })
const state = { searchTerm: text, current: 1, resultsPerPage: 10, filters: [], sortList: [] }
const config = {
  search_fields: { title: { weight: 3 }, body: {} },
  result_fields: { title: { snippet: {} }, brand: { raw: {} }, price: { raw: {} } },
  disjunctiveFacets: ['brand'],
  facets: {
    brand: { type: 'value', size: 100 },
    price: { type: 'range', ranges: [{ to: 50, name: 'cheap' }, { from: 50, name: 'dear' }] }
  }
}
const page = (found) => ({
  total: found.totalResults,
  titles: found.results.map((result) => result.title.raw),
  brands: found.results.map((result) => result.brand.raw),
  facet: Object.fromEntries(found.facets.brand[0].data.map((each) => [each.value, each.count]))
})
got.searchUi = page(await connector.onSearch(state, config))
const filters = [{ field: 'brand', type: 'any', values: [brand] }]
got.filtered = page(await connector.onSearch({ ...state, filters }, config))
const completed = await connector.onAutocomplete(
  { searchTerm: 'head' },
  { results: { search_fields: { title: {} }, result_fields: { title: { snippet: {} } }, resultsPerPage: 3 } }
)
got.completed = completed.autocompletedResults.map((result) => result.title.raw)
console.log(JSON.stringify(got))
