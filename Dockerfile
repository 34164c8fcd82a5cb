# The gateway. The shim is not in here: it is one file for Lambda (npm run build:shim).
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY service service
COPY proto proto
RUN npm run build:service && npm run build:kernels && npm run build:worker
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    SPILLWAY_HTTP_ADDRESS=0.0.0.0:8080 \
    SPILLWAY_GRPC_ADDRESS=0.0.0.0:8815
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# The image's user "node", by number: Kubernetes' runAsNonRoot cannot read names.
USER 1000:1000
EXPOSE 8080 8815
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SPILLWAY_HTTP_ADDRESS.split(':').at(-1)}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/service/main.js"]
CMD ["serve"]
