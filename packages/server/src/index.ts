export { createClientAddress } from './http/client-address.ts'
export { createHttp } from './http/create-http.ts'
export type { HttpOptions, HttpServer } from './http/create-http.ts'
export type { FastifyReply as HttpReply, FastifyRequest as HttpRequest } from 'fastify'
export { HttpError, invalidRequest, notFound, serviceUnavailable } from './http/errors.ts'
export type { ErrorBody } from './http/errors.ts'
export { addFast } from './http/fast-lane.ts'
export type { FastAnswer, FastHandler, ReadQuery } from './http/fast-lane.ts'
export { listen } from './http/listen.ts'
export type { ZodTypeProvider } from './http/validation.ts'

export { invalidParameter, QueryParams } from './xrpc/query.ts'

export { wantsHtml } from './pages/accept.ts'
export { buttonForm, form } from './pages/forms.ts'
export type { Field } from './pages/forms.ts'
export { escapeHtml, Html, html, isWebAddress, markup } from './pages/html.ts'
export type { Content } from './pages/html.ts'
export { page, pageHeaders } from './pages/layout.ts'
export type { PageOptions } from './pages/layout.ts'
export { bar, breakable, formatCount, hrefOf, numbers, rawJson, table } from './pages/parts.ts'
export type { Column } from './pages/parts.ts'

export { runService } from './lifecycle/run-service.ts'
export type { Service, ServiceContext } from './lifecycle/run-service.ts'

export { createLogger } from './logger.ts'
export type { Logger, LoggerOptions, TextStream } from './logger.ts'
export { createProgress } from './progress.ts'
export type { Progress, ProgressOptions } from './progress.ts'
export { rateLimited } from './rate-limited.ts'
export type { RateLimitedWarn, RateLimitOptions } from './rate-limited.ts'

export { listenMetrics } from './metrics/listener.ts'
export type { MetricsListener } from './metrics/listener.ts'
export { bytesBuckets, createMetrics, secondsBuckets } from './metrics/metrics.ts'
export type { CounterMetric, GaugeMetric, HistogramMetric, MetricInfo, Metrics } from './metrics/metrics.ts'
export { metricsTable } from './metrics/table.ts'

export type { Health, HealthBody, HealthCheck } from './health.ts'

export { commonOptions, logOptions } from './options/common.ts'
export type { CommonDefaults } from './options/common.ts'
export { defineOptions } from './options/define.ts'
export type { OptionInfo, OptionsDefinition, OptionsFrom, OptionsOf, OptionsShape } from './options/define.ts'
export { embed, helpText, hideCredentials, optionsTable, printableOptions } from './options/docs.ts'
export { nearest, OptionsError } from './options/errors.ts'
export { loadOptions } from './options/load.ts'
export type { LoadedOptions, OptionsInput } from './options/load.ts'
export { Secret } from './options/secret.ts'
export {
  bytes,
  count,
  duration,
  hostPort,
  httpUrl,
  list,
  proxyRange,
  secret,
  sourceUrl,
} from './options/values.ts'
export type { HostPort, Value } from './options/values.ts'

export { projectVersion } from './version.ts'

export { blockOfFrames, createBlock, entryAt, indexAt, textStart } from './hub/block.ts'
export type { LogBlock } from './hub/block.ts'
export type { Frames } from './hub/frames.ts'
export { closeCodes, cutReason } from './hub/close.ts'
export { Hub } from './hub/hub.ts'
export type { DropCause, HubStats } from './hub/hub.ts'
export type { HubOptions } from './hub/options.ts'
export { ClientCounter, createRateLimiter } from './hub/limiter.ts'
export type { RateLimiter } from './hub/limiter.ts'
export { RecentBlocks } from './hub/log.ts'
export type { HubLog } from './hub/log.ts'
export { wantsAll } from './hub/subscriber.ts'
export type { Encoding, Filter, Subscriber, SubscriberOptions } from './hub/subscriber.ts'
