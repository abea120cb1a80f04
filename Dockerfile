# The operator's image. Everything in it is locked: the Python packages by hash (requirements/runtime.lock), the tool
# that builds our own wheel too (requirements/build.lock). No compiler is needed, so no package may be a source.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The environment of the build tool and the one that ships are two; pip itself is in neither.
RUN python -m venv --without-pip /opt/build && python -m venv --without-pip /opt/venv
COPY requirements/build.lock requirements/runtime.lock requirements/
RUN pip --python /opt/build/bin/python install --only-binary=:all: --no-deps --require-hashes -r requirements/build.lock \
    && pip --python /opt/venv/bin/python install --only-binary=:all: --no-deps --require-hashes -r requirements/runtime.lock

COPY LICENSE README.md pyproject.toml ./
COPY operator/ operator/
# hatchling is called directly: pip would fetch a build environment of its own, without hashes.
RUN /opt/build/bin/hatchling build -t wheel -d /dist \
    && pip --python /opt/venv/bin/python install --no-index --no-deps /dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="nested-hyperv-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
# pip has compiled the bytecode, so a read-only root costs no time at start and nothing is ever written to disk.
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=build /opt/venv /opt/venv
# A number and not a name, so that the kubelet can prove runAsNonRoot.
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["/opt/venv/bin/nested-hyperv-operator"]
