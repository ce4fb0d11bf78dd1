# syntax=docker/dockerfile:1
#
#   docker build -t xplatform:cpu .                 # the last stage
#   docker build -t xplatform:gpu --target gpu .    # for machines with NVIDIA's container toolkit
#
# The image holds xplatform alone. Engines are installed at first use into environments of their
# own under $XPLATFORM_HOME/engines: keep that folder in a volume.

# The version that the tests run on.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS server
WORKDIR /src
RUN python -m venv /opt/xplatform
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/xplatform/bin/pip install --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE celeryconfig.py ./
COPY xplatform xplatform
COPY apps apps

# The console, with the types of its requests from what this very server answers.
FROM server AS api
COPY manage.py ./
RUN /opt/xplatform/bin/python manage.py spectacular --format openapi-json --file /openapi.json

FROM node:22-slim AS console
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY frontend ./
COPY --from=api /openapi.json ./
RUN npm run api && npm run build

FROM server AS build
COPY --from=console /src/xplatform/console/built xplatform/console/built
# The build tool came with the lock: no second look-up.
RUN /opt/xplatform/bin/pip install --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:${PYTHON}-slim AS runtime
# A fixed id, so that volumes keep their owner from image to image.
RUN groupadd --gid 10001 xplatform \
    && useradd --uid 10001 --gid 10001 --create-home xplatform \
    && install -d -m 700 -o xplatform -g xplatform /var/lib/xplatform /var/lib/xplatform/engines
COPY --from=build /opt/xplatform /opt/xplatform
ENV PATH=/opt/xplatform/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XPLATFORM_HOME=/var/lib/xplatform \
    XPLATFORM_HOST=0.0.0.0
USER xplatform
WORKDIR /var/lib/xplatform
VOLUME /var/lib/xplatform
EXPOSE 9997
# For the processes with a web port; docker-compose.yml says what fits the others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9997/readyz', timeout=4)"]
# All on one machine: docker run -p 9997:9997 -v xplatform:/var/lib/xplatform xplatform:cpu
ENTRYPOINT ["xplatform"]
CMD ["serve"]

FROM runtime AS gpu
# The driver comes from the host, CUDA's libraries with the engines' own packages. Kernels that
# PyTorch makes while it runs need a C compiler.
USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
USER xplatform
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM runtime AS cpu
