# All that the tests need but the source, which docker-compose-test.yml brings.
ARG BASE=python:3.13-slim
FROM ${BASE}
# Whatever version the base has, for it is the base that is tested.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin emoticon \
 && install -d -o emoticon -g emoticon /cache
COPY requirements /venv/requirements
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r /venv/requirements/runtime.txt -r /venv/requirements/build.txt \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r /venv/requirements/dev.txt
WORKDIR /copy
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
 && touch /venv/run.stamp /venv/dev.stamp
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MYPY_CACHE_DIR=/cache/mypy \
    RUFF_CACHE_DIR=/cache/ruff
ENTRYPOINT ["bash", "/source/deploy/compose/run-tests"]
