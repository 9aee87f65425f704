// The same handler on the other engine.
export { default } from '../../quickjs/src/index.js'
