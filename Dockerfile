# The command line in an image: docker run --rm -v "$PWD:/work" quantsmith run model.quant.yaml
FROM node:22-bookworm-slim AS build
WORKDIR /source
COPY . .
RUN npm run setup && npm run package:npm && npm pack ./dist/npm --pack-destination /tmp

FROM node:22-bookworm-slim
COPY --from=build /tmp/quantsmith-*.tgz /tmp/
RUN npm install --global /tmp/quantsmith-*.tgz && rm /tmp/quantsmith-*.tgz
WORKDIR /work
# The user "node": by its number, which clusters that forbid root can check.
USER 1000
ENTRYPOINT ["quantsmith"]
CMD ["--help"]
