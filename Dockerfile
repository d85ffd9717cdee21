ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
COPY requirements requirements
RUN python -m venv /build/tools \
 && /build/tools/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && python -m venv /emoticon \
 && /emoticon/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /build/tools/bin/hatchling build -t wheel -d dist \
 && /emoticon/bin/pip install --no-cache-dir --no-deps dist/*.whl \
 && /emoticon/bin/pip uninstall --yes pip

FROM ${BASE}
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin emoticon \
 && install -d -o emoticon -g emoticon -m 700 /data
COPY --from=build /emoticon /emoticon
ENV PATH=/emoticon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    EMOTICON_HOST=0.0.0.0 \
    EMOTICON_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('EMOTICON_PORT', '8000') + '/livez', timeout=2)"]
ENTRYPOINT ["emoticon"]
CMD ["serve"]
