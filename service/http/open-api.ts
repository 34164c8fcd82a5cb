import type { FastifyInstance, RouteOptions } from 'fastify'
import { errorCodes } from '../errors.ts'
import { httpStatus } from './error-status.ts'

/** What `/openapi.json` tells of a route beside its checked schemas. JSON schemas throughout. */
export interface RouteDescription {
  readonly summary: string
  readonly body?: object
  /** Of the query, where the server does not check it by schema. */
  readonly parameters?: Readonly<Record<string, object>>
  /** Names of parameters that must be there. */
  readonly required?: readonly string[]
  /** Of the JSON answer… */
  readonly answer?: object
  /** …or of one by media type. */
  readonly content?: Readonly<Record<string, object>>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly api?: RouteDescription
  }
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

interface Operation {
  readonly path: string
  readonly method: string
  readonly description: object
}

/** Tells of every route that is registered after this, from the schemas that the server checks requests by. */
export function openApi(app: FastifyInstance, version: string): void {
  const operations: Operation[] = []
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      if (method === 'HEAD' || method === 'OPTIONS') continue
      const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
      operations.push({ path, method: method.toLowerCase(), description: operationOf(route) })
    }
  })
  app.get('/openapi.json', { config: { api: { summary: 'This description' } } }, async () =>
    documentOf(operations, version),
  )
}

function documentOf(operations: readonly Operation[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { path, method, description } of operations) {
    paths[path] = { ...paths[path], [method]: description }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Spillway', version },
    paths,
    // Nothing: where there are no callers, and for the routes that are open.
    security: [{}, { bearer: [] }, { basic: [] }, { certificate: [] }],
    components: { schemas: { Error: errorSchema }, securitySchemes },
  }
}

/** How a caller shows who it is. */
const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  basic: { type: 'http', scheme: 'basic' },
  certificate: { type: 'mutualTLS' },
}

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'retry'],
      properties: {
        code: { type: 'string', enum: Object.keys(errorCodes) },
        message: { type: 'string' },
        retry: { type: 'string', enum: [...new Set(Object.values(errorCodes))] },
      },
    },
  },
}

const errorContent = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }

function operationOf({ schema, config }: RouteOptions): object {
  const api: RouteDescription = config?.api ?? { summary: '' }
  const query = { ...propertiesOf(schema?.querystring), ...api.parameters }
  const required = [...requiredOf(schema?.querystring), ...(api.required ?? [])]
  const parameters = [
    ...Object.entries(propertiesOf(schema?.params)).map(([name, one]) => ({
      name,
      in: 'path',
      required: true,
      schema: one,
    })),
    ...Object.entries(query).map(([name, one]) => ({
      name,
      in: 'query',
      required: required.includes(name),
      schema: one,
    })),
  ]
  const content = api.content ?? { 'application/json': api.answer ?? {} }
  return {
    summary: api.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(api.body && {
      requestBody: { required: true, content: { 'application/json': { schema: api.body } } },
    }),
    responses: {
      200: { description: 'The answer', content: contentOf(content) },
      default: { description: `An error: ${statusText}`, content: errorContent },
    },
  }
}

const statusText = Object.entries(httpStatus)
  .map(([code, status]) => `${status} ${code}`)
  .join(', ')

function contentOf(schemas: Readonly<Record<string, object>>): object {
  return Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]))
}

function propertiesOf(schema: unknown): Readonly<Record<string, object>> {
  return (schema as ObjectSchema | undefined)?.properties ?? {}
}

function requiredOf(schema: unknown): readonly string[] {
  return (schema as ObjectSchema | undefined)?.required ?? []
}
